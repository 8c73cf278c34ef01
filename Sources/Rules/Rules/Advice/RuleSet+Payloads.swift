import CEL
import Model

extension RuleSet {
  /// Warnings about expressions with a payload field that none of the rule's events has, or with one that is used as what
  /// it is not, such as `active == 'on'`. Covers only the daemon's own events, because events of agents and clients may
  /// have any field.
  package var payloadWarnings: [Diagnostic] {
    var known: [EventPattern: [String: CELType]?] = [:]
    var warnings: [Diagnostic] = []
    for rule in rules where rule.namesEvents {
      for expression in rule.expressions where !expression.program.variables.isEmpty {
        if let warning = Self.warning(about: expression, &known) { warnings.append(warning) }
      }
    }
    return warnings
  }

  private static func warning(
    about expression: CompiledRule.Expression, _ known: inout [EventPattern: [String: CELType]?]
  ) -> Diagnostic? {
    let (program, patterns) = (expression.program, expression.patterns)
    guard !patterns.isEmpty, patterns.allSatisfy({ EventPattern.builtInDomain(of: $0.text) != nil }) else { return nil }
    var fields: [String: CELType] = ["event": .dyn, "now": .timestamp, "vars": .dyn]
    for pattern in patterns {
      let ofPattern = known[pattern] ?? Self.fields(of: pattern)
      known.updateValue(ofPattern, forKey: pattern)
      guard let ofPattern else { return nil }
      fields.merge(ofPattern) { $0 == $1 ? $0 : .dyn }
    }
    if let name = program.variables.first(where: { fields[$0] == nil }) {
      if patterns.allSatisfy({ ["rule:began", "rule:ended"].contains($0.text) }) {
        let error = CELError(
          offset: Self.place(of: name, in: program.text),
          message: "in a state rule there is no event with a '\(name)': use sensor('…') or input('…')")
        return Self.warning(error, program, expression.location)
      }
      let events = patterns.map { "'\($0.text)'" }.joined(separator: ", ")
      let subject = patterns.count == 1 ? "\(events) has no" : "none of \(events) has a"
      let error = CELError(
        offset: Self.place(of: name, in: program.text),
        message: "\(subject) payload field '\(name)'" + Suggestion.phrase(for: name, in: fields.keys.sorted()))
      return Self.warning(error, program, expression.location)
    }
    do throws(CELError) {
      let typed = try CELProgram(program.text, functions: .rules, types: fields)
      guard expression.isCondition, typed.type != .bool, typed.type != .dyn else { return nil }
      let error = CELError(message: "the condition has type \(typed.type), but must be bool")
      return Self.warning(error, program, expression.location)
    } catch {
      return Self.warning(error, program, expression.location)
    }
  }

  private static func warning(
    _ error: CELError, _ program: CELProgram, _ place: Location
  ) -> Diagnostic {
    var diagnostic = RuleCompiler.diagnostic(error, in: program.text, at: place)
    diagnostic.severity = .warning
    return diagnostic
  }

  /// The payload fields of the events that match `pattern`; nil when they are not all known.
  private static func fields(of pattern: EventPattern) -> [String: CELType]? {
    guard let domain = EventPattern.builtInDomain(of: pattern.text) else { return nil }
    let events = EventCatalogue.declarations(of: domain).filter { $0.fits(pattern) }
    // Unknown event names are reported elsewhere.
    guard !events.isEmpty, !events.contains(where: \.isOpen) else { return nil }
    return Dictionary(events.flatMap(\.fields).map { ($0.name, type(of: $0)) }) { $0 == $1 ? $0 : .dyn }
  }

  private static func type(of field: EventField) -> CELType {
    if field.presence == .orNull { return .dyn }
    return switch field.kind {
    case .text: .string
    case .boolean: .bool
    case .integer: .int
    case .number: .double
    case .list: .list(.dyn)
    }
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

extension CompiledRule {
  /// An expression that refers to an event.
  fileprivate struct Expression {
    var program: CELProgram
    var location: Location
    /// The names of the events that it may refer to.
    var patterns: [EventPattern]
    var isCondition = false
  }

  private static let began = [EventPattern("rule:began")]
  private static let ended = [EventPattern("rule:ended")]

  /// Whether its expressions may refer to an event whose fields are known. Most of many rules have none: nothing is built
  /// for those.
  fileprivate var namesEvents: Bool {
    let acts = actions.hasPayloads || otherwise.hasPayloads || state?.endActions.hasPayloads ?? false
    if state != nil { return acts }
    guard acts || condition != nil || per != nil else { return false }
    return patterns.allSatisfy { EventPattern.builtInDomain(of: $0.text) != nil }
  }

  /// The condition of an event rule, and the expressions of all actions. The conditions of state rules and of `wait_for`
  /// refer to no event.
  fileprivate var expressions: [Expression] {
    let begins = state == nil ? patterns : Self.began
    var all: [Expression] = []
    if state == nil {
      for (program, source, isCondition) in [(condition, declaration.condition, true), (per, declaration.per, false)] {
        guard let program, let source else { continue }
        all.append(
          Expression(program: program, location: source.location, patterns: begins, isCondition: isCondition))
      }
    }
    all += Self.expressions(actions, begins)
    all += Self.expressions(otherwise, state == nil ? begins : Self.began + Self.ended)
    if let state { all += Self.expressions(state.endActions, Self.ended) }
    return all
  }

  private static func expressions(_ list: CompiledActions, _ patterns: [EventPattern]) -> [Expression] {
    list.actions.enumerated().flatMap { place, action in
      list.payload(place).compactMap { name, program in
        action.payload?.first { $0.name == name }.map {
          Expression(program: program, location: $0.location, patterns: patterns)
        }
      }
    }
  }
}
