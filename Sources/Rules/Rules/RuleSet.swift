import Model

/// Compiled rules, indexed by event name.
package struct RuleSet: Sendable {
  let rules: [CompiledRule]
  /// The patterns without a wildcard, sorted by name, then by rule.
  private let exact: [(name: Name, rule: Int32)]
  private let wildcards: PatternIndex

  /// No rules.
  package static let empty = RuleSet(rules: [])

  /// The variables of the rules (`vars:`), with their first values.
  package let variables: Fields

  /// The number of rules.
  package var count: Int { rules.count }

  /// The event patterns of all rules, with duplicates.
  package var patterns: [EventPattern] { rules.flatMap(\.patterns) }

  /// The agents that actions name, with the rule, in the order of the files.
  package var agents: [(rule: RuleID, agent: AgentID)] {
    rules.flatMap { rule in rule.agents.map { (rule.id, $0) } }
  }

  /// The sensors and inputs that expressions read by a constant name.
  package var askedSensors: Set<String> { asked(["sensor", "reading"]) }

  /// The agents whose report expressions read by a constant name.
  package var askedAgents: Set<String> { asked(["state", "report"]) }

  /// The rules with `shadow`: the outputs that they command, and a text that differs where their behaviour does.
  package var shadows: [RuleID: (outputs: Set<DeviceID>, signature: String)] {
    var found: [RuleID: (outputs: Set<DeviceID>, signature: String)] = [:]
    for rule in rules where rule.declaration.shadow {
      found[rule.id] = (Set(rule.outputs + rule.declaration.commanded), rule.signature)
    }
    return found
  }

  private func asked(_ functions: Set<String>) -> Set<String> {
    Set(rules.flatMap(\.questions).filter { functions.contains($0.function) }.compactMap(\.name))
  }

  /// Compiles conditions and payload expressions, and parses schedules.
  /// - Parameters:
  ///   - variables: the declared variables, with their first values.
  ///   - reports: the fields of the agents' reports that are declared, with the names of their types.
  ///   - complaint: the error for a name that an expression passes to a function such as `sensor`; nil when the name is
  ///     valid or cannot be checked.
  /// - Throws: all errors in all rules. Those in expressions have their own `file:line:column`.
  package init(
    compiling declarations: [RuleDeclaration], variables: Fields = [:], reports: [AgentID: [String: String]] = [:],
    complaint: @escaping (_ function: String, _ name: String) -> String? = { _, _ in nil }
  ) throws(Diagnostics) {
    let complaint = Self.withVariables(variables, complaint)
    let types = RuleTypes(variables: variables, reports: reports)
    var problems: [Diagnostic] = []
    var places: [RuleID: Location] = [:]
    places.reserveCapacity(declarations.count)
    var rules: [CompiledRule] = []
    rules.reserveCapacity(declarations.count)
    for declaration in declarations {
      if let first = places.updateValue(declaration.location, forKey: declaration.id) {
        problems.append(
          Diagnostic(
            declaration.location, "the rule id '\(declaration.id)' is taken (\(first)); ids must be unique"))
      }
      if let rule = CompiledRule(declaration, types: types, &problems, complaint: complaint) {
        rules.append(rule)
      }
    }
    guard problems.isEmpty else { throw Diagnostics(problems) }
    self.init(rules: rules, variables: variables)
  }

  /// Complains about variables that are not declared, too.
  private static func withVariables(
    _ variables: Fields, _ complaint: @escaping (_ function: String, _ name: String) -> String?
  ) -> (_ function: String, _ name: String) -> String? {
    let names = variables.map(\.key)
    return { function, name in
      guard function == "vars" else { return complaint(function, name) }
      if names.contains(name) { return nil }
      return "no variable '\(name)' is declared under 'vars:'" + Suggestion.phrase(for: name, in: names)
    }
  }

  /// The errors in the expressions and schedules of rules that have other errors, so that all are reported at once.
  package static func problems(
    in declarations: [RuleDeclaration], variables: Fields = [:],
    complaint: @escaping (_ function: String, _ name: String) -> String? = { _, _ in nil }
  ) -> [Diagnostic] {
    let complaint = withVariables(variables, complaint)
    let types = RuleTypes(variables: variables)
    var problems: [Diagnostic] = []
    for declaration in declarations {
      _ = CompiledRule(declaration, types: types, isWhole: false, &problems, complaint: complaint)
    }
    return problems
  }

  private init(rules: [CompiledRule], variables: Fields = [:]) {
    var exact: [(name: Name, rule: Int32)] = []
    var wildcards = PatternIndex()
    for (number, rule) in rules.enumerated() {
      for pattern in rule.patterns {
        if pattern.isExact {
          exact.append((pattern.name, Int32(number)))
        } else {
          wildcards.insert(pattern, rule: number)
        }
      }
    }
    self.rules = rules
    self.variables = variables
    self.exact = exact.sorted { ($0.name, $0.rule) < ($1.name, $1.rule) }
    self.wildcards = wildcards
  }

  /// The rules whose `on` matches the event name, without duplicates, in the order of the files.
  package func rules(on type: String) -> [RuleID] { rules(for: type).map { rules[$0].id } }

  /// The indices of the rules whose `on` matches the event name, sorted and without duplicates.
  func rules(for type: String) -> [Int] {
    let named = rules(named: Name(type))
    let patterned = wildcards.rules(for: type)
    return patterned.isEmpty ? named : Set(named + patterned).sorted()
  }
  private func rules(named name: Name) -> [Int] {
    var (low, high) = (0, exact.count)
    while low < high {
      let middle = (low + high) / 2
      if exact[middle].name < name { low = middle + 1 } else { high = middle }
    }
    var found: [Int] = []
    while low < exact.count, exact[low].name == name {
      if found.last != Int(exact[low].rule) { found.append(Int(exact[low].rule)) }
      low += 1
    }
    return found
  }
}
