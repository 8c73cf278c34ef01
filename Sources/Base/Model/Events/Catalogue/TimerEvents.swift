/// Events that trigger rules with `every` or `cron`.
package enum TimerEvents {
  static var all: [EventDeclaration] { [dueDeclaration] }

  private static var dueDeclaration: EventDeclaration {
    EventDeclaration(
      "timer:<rule id>", .normal, "a rule with `every` or `cron` is due", [.rule], example: due("night")
    ) { event in "timer \(event.verb)" }
  }

  /// A rule is due.
  package static func due(_ rule: RuleID) -> DaemonEvent {
    DaemonEvent(dueDeclaration, type: name(of: rule), Fields(uniquePairs: [("rule", .string(rule.rawValue))]))
  }

  /// The name of the events of a rule's timer, `timer:<rule id>`.
  package static func name(of rule: RuleID) -> String { "timer:\(rule)" }
}
