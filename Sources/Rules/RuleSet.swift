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

  /// Compiles conditions and payload expressions, and reads times.
  /// - Throws: everything that is wrong in any rule, with `file:line:column` inside its expressions.
  public init(compiling declarations: [RuleDeclaration]) throws(Diagnostics) {
    var problems: [Diagnostic] = []
    var places: [RuleID: Location] = [:]
    var rules: [CompiledRule] = []
    for declaration in declarations {
      if let first = places.updateValue(declaration.location, forKey: declaration.id) {
        problems.append(
          Diagnostic(
            declaration.location, "the rule id '\(declaration.id)' is taken (\(first)); ids are used once"))
      }
      if let rule = CompiledRule(declaration, &problems) { rules.append(rule) }
    }
    guard problems.isEmpty else { throw Diagnostics(problems) }
    self.init(rules: rules)
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

  /// The numbers of the rules whose `on` fits, each once, in the order of the files.
  func rules(for type: String) -> [Int] {
    let named = exact[type] ?? []
    let patterned = wildcards.rules(for: type)
    return patterned.isEmpty ? named : Set(named + patterned).sorted()
  }
}
