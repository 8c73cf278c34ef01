/// What sets off the rules with `every` or `cron`.
package enum TimerEvents {
  static var all: [EventDeclaration] { [dueDeclaration] }

  private static var dueDeclaration: EventDeclaration {
    EventDeclaration(
      "timer:<rule id>", .normal, "the time of a rule with `every` or `cron` has come", [.rule], example: due("night")
    ) { event in "timer \(event.verb)" }
  }

  /// The time of a rule has come.
  package static func due(_ rule: RuleID) -> DaemonEvent {
    DaemonEvent(dueDeclaration, type: name(of: rule), Fields(uniquePairs: [("rule", .string(rule.rawValue))]))
  }

  /// The name of the events of a rule's timer, `timer:<rule id>`.
  package static func name(of rule: RuleID) -> String { "timer:\(rule)" }
}
