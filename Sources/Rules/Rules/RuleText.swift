import Model

/// Formats triggers and actions as in a rule file.
enum RuleText {
  static func trigger(_ trigger: RuleDeclaration.Trigger) -> String {
    switch trigger {
    case .events(let patterns): patterns.map(\.text).joined(separator: ", ")
    case .every(let period): "every \(period.text)"
    case .cron(let text): "cron \(text)"
    case .at(let time): "at \(time.text)"
    case .state(let state):
      state.ends.map { "when \(state.begins.text) until \($0.text)" } ?? "while \(state.begins.text)"
    }
  }

  static func action(_ action: RuleDeclaration.Action) -> String {
    action.text { fields in fields.map { ($0.name, $0.expression) } }
  }

  /// `keep light: 0.6`.
  static func kept(_ kept: StateRule.Kept) -> String {
    switch kept.level {
    case .fixed(let level): "keep \(kept.device): \(level == 0 ? "off" : level == 1 ? "on" : "\(level)")"
    case .computed(let expression): "keep \(kept.device): \(expression.text)"
    }
  }

  /// Everything that a rule does, in the order of its keys.
  static func effects(_ rule: RuleDeclaration) -> [String] {
    (rule.state?.keep ?? []).map(kept) + rule.actions.map(action) + rule.otherwise.map { "else \(action($0))" }
      + (rule.state?.endActions ?? []).map { "end \(action($0))" }
  }

  /// Everything that determines a rule's behaviour. Equal for equal rules, regardless of their location.
  static func signature(_ rule: RuleDeclaration) -> String {
    let times = [rule.hold, rule.cooldown, rule.debounce, rule.throttle].map { $0.map { "\($0.nanoseconds)" } ?? "-" }
    return
      ([trigger(rule.trigger), rule.condition?.text ?? "-"] + rule.actions.map(action) + ["else"]
      + rule.otherwise.map(action) + times
      + [rule.mode.rawValue, rule.maxPerHour.map(String.init) ?? "-"] + hours(rule.hours) + state(rule.state)
      + (rule.per.map { ["per \($0.text)"] } ?? []) + (rule.retry.map { ["retry \($0.text)"] } ?? [])
      + (rule.shadow ? ["shadow"] : []))
      .joined(separator: "\u{1F}")
  }

  private static func hours(_ hours: RuleHours) -> [String] {
    if hours.isAlways { return [] }
    return [hours.window.map { "\($0.opens.text) \($0.closes.text)" } ?? "-", hours.weekdays.text]
  }

  private static func state(_ state: StateRule?) -> [String] {
    guard let state else { return [] }
    return state.keep.map(kept) + state.endActions.map { "end \(action($0))" }
      + [state.linger.text, state.repeats?.text ?? "-", state.atMost?.text ?? "-"]
  }
}
