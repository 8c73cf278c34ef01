import Model

/// Rules that were checked and made ready, found by the names of events.
public struct RuleSet: Sendable {
  let rules: [CompiledRule]
  private let exact: [String: [Int]]
  private let wildcards: PatternIndex

  /// No rules.
  public static let empty = RuleSet(rules: [])

  /// How many rules there are.
  public var count: Int { rules.count }

  /// Every pattern of events that sets a rule off, as often as it stands there.
  public var patterns: [EventPattern] { rules.flatMap(\.patterns) }

  /// Which agents which rules' actions name, in the order of the files.
  public var agents: [(rule: RuleID, agent: AgentID)] {
    rules.flatMap { rule in
      (rule.declaration.actions + rule.declaration.otherwise).compactMap { action in
        action.agent.map { (rule.id, $0) }
      }
    }
  }

  /// Every sensor and input that an expression asks about by name.
  public var askedSensors: Set<String> { asked("sensor") }

  /// Every agent whose state an expression asks for by name.
  public var askedAgents: Set<String> { asked("state") }

  private func asked(_ function: String) -> Set<String> {
    Set(rules.flatMap(\.questions).filter { $0.function == function }.compactMap(\.name))
  }

  /// Compiles conditions and payload expressions, and reads times.
  /// - Parameter complaint: what is wrong with a name that an expression asks `sensor` or `state` about; nil when nothing
  ///   is, or nothing is known.
  /// - Throws: everything that is wrong in any rule, with `file:line:column` inside its expressions.
  public init(
    compiling declarations: [RuleDeclaration],
    complaint: (_ function: String, _ name: String) -> String? = { _, _ in nil }
  ) throws(Diagnostics) {
    var problems: [Diagnostic] = []
    var places: [RuleID: Location] = [:]
    var rules: [CompiledRule] = []
    for declaration in declarations {
      if let first = places.updateValue(declaration.location, forKey: declaration.id) {
        problems.append(
          Diagnostic(
            declaration.location, "the rule id '\(declaration.id)' is taken (\(first)); ids are used once"))
      }
      if let rule = CompiledRule(declaration, &problems, complaint: complaint) { rules.append(rule) }
    }
    guard problems.isEmpty else { throw Diagnostics(problems) }
    self.init(rules: rules)
  }

  /// What is wrong with the expressions and times of rules that are wrong otherwise, so that all is told at once.
  public static func problems(
    in declarations: [RuleDeclaration], complaint: (_ function: String, _ name: String) -> String? = { _, _ in nil }
  ) -> [Diagnostic] {
    var problems: [Diagnostic] = []
    for declaration in declarations { _ = CompiledRule(declaration, isWhole: false, &problems, complaint: complaint) }
    return problems
  }

  private init(rules: [CompiledRule]) {
    var exact: [String: [Int]] = [:]
    var wildcards = PatternIndex()
    for (number, rule) in rules.enumerated() {
      for pattern in rule.patterns {
        if pattern.isExact {
          if exact[pattern.text]?.last != number { exact[pattern.text, default: []].append(number) }
        } else {
          wildcards.insert(pattern, rule: number)
        }
      }
    }
    self.rules = rules
    self.exact = exact
    self.wildcards = wildcards
  }

  /// The rules whose `on` fits an event of that name, each once, in the order of the files.
  public func rules(on type: String) -> [RuleID] { rules(for: type).map { rules[$0].id } }

  /// The numbers of the rules whose `on` fits, each once, in the order of the files.
  func rules(for type: String) -> [Int] {
    let named = exact[type] ?? []
    let patterned = wildcards.rules(for: type)
    return patterned.isEmpty ? named : Set(named + patterned).sorted()
  }
}
