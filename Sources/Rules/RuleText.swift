import Model

/// Triggers and actions as people write them.
enum RuleText {
  static func trigger(_ trigger: RuleDeclaration.Trigger) -> String {
    switch trigger {
    case .events(let patterns): patterns.map(\.text).joined(separator: ", ")
    case .every(let period): "every \(period.text)"
    case .cron(let text): "cron \(text)"
    }
  }

  static func action(_ action: RuleAction) -> String {
    switch action {
    case .spawn(let agent): return "spawn(\(agent))"
    case .wake(let agent): return "wake(\(agent))"
    case .kill(let agent): return "kill(\(agent))"
    case .actuate(let device, let command, let lease):
      return "actuate(\(device), \(self.command(command))\(lease.map { ", lease: \($0.text)" } ?? ""))"
    case .emit(let type, let fields):
      return "emit(\(([type] + fields.map { "\($0.name): \($0.expression)" }).joined(separator: ", ")))"
    }
  }

  private static func command(_ command: ActuatorCommand) -> String {
    switch command {
    case .off: "off"
    case .on: "on"
    case .level(let level): "\(level)"
    case .pulse(let length): "pulse \(length.text)"
    }
  }

  /// Everything that makes a rule behave as it does; equal texts are the same rule, wherever they stand.
  static func signature(_ rule: RuleDeclaration) -> String {
    let times = [rule.hold, rule.cooldown, rule.debounce, rule.throttle].map { $0.map { "\($0.nanoseconds)" } ?? "-" }
    return
      ([trigger(rule.trigger), rule.condition?.text ?? "-"] + rule.actions.map(action) + times
      + [rule.mode.rawValue, rule.maxPerHour.map(String.init) ?? "-"]).joined(separator: "\u{1F}")
  }
}
