import CEL
import Model

extension RuleSet {
  /// Warns of conditions that name a payload field which none of the rule's events has. Only the daemon's own events are
  /// known: what agents and clients emit may have any field.
  public var payloadWarnings: [Diagnostic] {
    var known: [EventPattern: Set<String>?] = [:]
    return rules.compactMap { rule in
      guard let condition = rule.declaration.condition, let program = rule.condition, !program.variables.isEmpty else {
        return nil
      }
      var fields: Set<String> = ["event", "now"]
      for pattern in rule.patterns {
        let ofPattern = known[pattern] ?? Self.fields(of: pattern)
        known.updateValue(ofPattern, forKey: pattern)
        guard let ofPattern else { return nil }
        fields.formUnion(ofPattern)
      }
      guard let name = program.variables.first(where: { !fields.contains($0) }) else { return nil }
      let events = rule.patterns.map { "'\($0.text)'" }.joined(separator: ", ")
      let subject = rule.patterns.count == 1 ? "\(events) has no" : "none of \(events) has a"
      let error = CELError(
        offset: Self.place(of: name, in: program.text),
        message: "\(subject) payload field '\(name)'" + Suggestion.phrase(for: name, in: fields.sorted()))
      var diagnostic = CompiledRule.diagnostic(error, in: program.text, at: condition.location)
      diagnostic.severity = .warning
      return diagnostic
    }
  }

  /// The payload fields of the events that `pattern` fits; nil when not all of them are known.
  private static func fields(of pattern: EventPattern) -> Set<String>? {
    guard let domain = EventPattern.builtInDomain(of: pattern.text) else { return nil }
    let events = EventCatalogue.declarations(of: domain).filter { $0.fits(pattern) }
    // Of a name that is not there something else is said.
    guard !events.isEmpty, !events.contains(where: \.isOpen) else { return nil }
    return Set(events.flatMap(\.fields).map(\.name))
  }

  /// Where the variable `name` stands in an expression: bytes of UTF-8 from its beginning.
  private static func place(of name: String, in text: String) -> Int {
    do throws(CELError) {
      // Compiled with every other name known, it is the one that is refused.
      let others = try CELProgram(text, functions: .rules).variables.filter { $0 != name }
      _ = try CELProgram(text, functions: .rules, variables: others)
      return 0
    } catch { return error.offset }
  }
}
