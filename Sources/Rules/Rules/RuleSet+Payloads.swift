import CEL
import Model

extension RuleSet {
  /// Warnings about conditions with a payload field that none of the rule's events has. Covers only the daemon's own
  /// events, because events of agents and clients may have any field.
  package var payloadWarnings: [Diagnostic] {
    var known: [EventPattern: Set<String>?] = [:]
    return rules.compactMap { rule in
      guard let condition = rule.declaration.condition, let program = rule.condition, !program.variables.isEmpty else {
        return nil
      }
      // Most rules wait for events whose fields are not known: end before anything is built.
      guard rule.patterns.allSatisfy({ EventPattern.builtInDomain(of: $0.text) != nil }) else { return nil }
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

  /// The payload fields of the events that match `pattern`; nil when they are not all known.
  private static func fields(of pattern: EventPattern) -> Set<String>? {
    guard let domain = EventPattern.builtInDomain(of: pattern.text) else { return nil }
    let events = EventCatalogue.declarations(of: domain).filter { $0.fits(pattern) }
    // Unknown event names are reported elsewhere.
    guard !events.isEmpty, !events.contains(where: \.isOpen) else { return nil }
    return Set(events.flatMap(\.fields).map(\.name))
  }

  /// The offset of the variable `name` in an expression, in UTF-8 bytes.
  private static func place(of name: String, in text: String) -> Int {
    do throws(CELError) {
      // Compile with every other name known: the error is at the first use of `name`.
      let others = try CELProgram(text, functions: .rules).variables.filter { $0 != name }
      _ = try CELProgram(text, functions: .rules, variables: others)
      return 0
    } catch { return error.offset }
  }
}
