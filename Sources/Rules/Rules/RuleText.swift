import Model

/// Formats triggers and actions as in a rule file.
enum RuleText {
  static func trigger(_ trigger: RuleDeclaration.Trigger) -> String {
    switch trigger {
    case .events(let patterns): patterns.map(\.text).joined(separator: ", ")
    case .every(let period): "every \(period.text)"
    case .cron(let text): "cron \(text)"
    }
  }

  static func action(_ action: RuleDeclaration.Action) -> String {
    action.text { fields in fields.map { "\($0.name): \($0.expression)" } }
  }

  /// Everything that determines a rule's behaviour. Equal for equal rules, regardless of their location.
  static func signature(_ rule: RuleDeclaration) -> String {
    let times = [rule.hold, rule.cooldown, rule.debounce, rule.throttle].map { $0.map { "\($0.nanoseconds)" } ?? "-" }
    return
      ([trigger(rule.trigger), rule.condition?.text ?? "-"] + rule.actions.map(action) + ["else"]
      + rule.otherwise.map(action) + times
      + [rule.mode.rawValue, rule.maxPerHour.map(String.init) ?? "-"]).joined(separator: "\u{1F}")
  }
}
