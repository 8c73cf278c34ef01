/// What rules do.
package enum RuleEvents {
  static var all: [EventDeclaration] {
    [loadedDeclaration, waitingDeclaration, firedDeclaration, errorDeclaration, missedDeclaration]
  }

  private static func text(_ rule: RuleID) -> (key: String, value: Value) { ("rule", .string(rule.rawValue)) }

  private static func named(_ event: Event) -> String { "rule \(event.subject("rule"))" }

  private static var loadedDeclaration: EventDeclaration {
    EventDeclaration(
      "rule:loaded", .normal, isInternal: true, "the rule files were read, and their rules are in force",
      [.integer("rules", "how many there are")], example: loaded(4)
    ) { event in "\(event.shown("rules")) rule(s) loaded" }
  }

  /// - Parameter count: how many rules are in force.
  package static func loaded(_ count: Int) -> DaemonEvent {
    DaemonEvent(loadedDeclaration, Fields(uniquePairs: [("rules", .int(Int64(count)))]))
  }

  private static var waitingDeclaration: EventDeclaration {
    EventDeclaration(
      "rule:waiting", .normal, journal: .warning, "a rule that was loaded does nothing yet",
      [.rule, .text("agent", "the agent it waits for; left out where it waits for the clock").sometimes, .message],
      example: waiting("hot", for: "climate", message: "it waits for agent climate, which is not registered")
    ) { event in "\(named(event))\(event.because)" }
  }

  /// - Parameters:
  ///   - agent: the agent that it waits for; nil where it waits for the clock.
  ///   - message: why, in words.
  package static func waiting(_ rule: RuleID, for agent: AgentID?, message: String) -> DaemonEvent {
    var payload = Fields(uniquePairs: [text(rule)])
    payload.add("agent", agent.map { .string($0.rawValue) })
    payload["message"] = .string(message)
    return DaemonEvent(waitingDeclaration, payload)
  }

  private static var firedDeclaration: EventDeclaration {
    EventDeclaration(
      "rule:fired", nil, "a rule does what it is there for; as urgent as the event that set it off",
      [
        .rule, .text("event", "the name of the event that set it off"),
        .integer("count", "how many events were folded into one, where there were more").sometimes,
      ],
      example: fired("hot", by: "sensor:temperature", .normal, count: 12)
    ) { event in "\(named(event)) matched" + event.folded }
  }

  /// - Parameters:
  ///   - event: the name of the event that set it off.
  ///   - priority: that event's.
  ///   - count: how many events were folded into one.
  package static func fired(_ rule: RuleID, by event: String, _ priority: Priority, count: Int) -> DaemonEvent {
    var payload = Fields(uniquePairs: [text(rule), ("event", .string(event))])
    payload.add("count", count > 1 ? .int(Int64(count)) : nil)
    return DaemonEvent(firedDeclaration, priority: priority, payload)
  }

  private static var errorDeclaration: EventDeclaration {
    EventDeclaration(
      "rule:error", .normal, journal: .warning,
      "a condition or an action of a rule has failed; the same is told every ten minutes at most",
      [
        .rule, .text("action", "the action that failed; left out for a condition").sometimes,
        .text("error", "why, in words"),
        .integer("count", "how often, since it was told last, where it was more than once").sometimes,
      ],
      example: error("hot", action: "actuate(fan, on)", "'fan' is held by client/ada", count: 2)
    ) { event in
      let action = event["action"]?.string.map { " at '\($0.printable)'" } ?? ""
      return "\(named(event)) failed\(event.times)\(action)\(event.because)"
    }
  }

  /// - Parameters:
  ///   - action: the action that failed; nil for the condition.
  ///   - why: in words.
  ///   - count: how often, since it was told last.
  package static func error(_ rule: RuleID, action: String? = nil, _ why: String, count: Int = 1) -> DaemonEvent {
    var payload = Fields(uniquePairs: [text(rule)])
    payload.add("action", action.map { .string($0) })
    payload["error"] = .string(why)
    payload.add("count", count > 1 ? .int(Int64(count)) : nil)
    return DaemonEvent(errorDeclaration, payload)
  }

  /// An entry of the calendar that was passed over.
  package struct Entry {
    let fields: Fields

    /// - Parameters:
    ///   - due: seconds since 1970.
    ///   - local: the time of day, `HH:MM`.
    package init(rule: RuleID, due: Int64, local: String) {
      fields = Fields(uniquePairs: [text(rule), ("due", .int(due * 1000)), ("local", .string(local))])
    }
  }

  private static var missedDeclaration: EventDeclaration {
    EventDeclaration(
      "rule:missed", .normal, journal: .warning, "entries of the calendar were passed over, and are not made up for",
      [
        .integer("count", "how many"),
        .list("entries", "the first 50: `rule`, `due` (ms since 1970), `local` (time of day)"),
      ],
      example: missed([Entry(rule: "night", due: 1_767_236_400, local: "03:00")], of: 1)
    ) { event in
      let entries = (event["entries"]?.list ?? []).map { entry in
        [entry["rule"], entry["local"]].compactMap { $0?.string?.printable }.joined(separator: " ")
      }
      let count = event["count"]?.int ?? 0
      let rest = count > Int64(entries.count) ? " and \(count - Int64(entries.count)) more" : ""
      return "calendar entries passed over, which are not made up for: \(entries.joined(separator: ", "))\(rest)"
    }
  }

  /// - Parameters:
  ///   - entries: the first of them.
  ///   - count: how many there are in all.
  package static func missed(_ entries: [Entry], of count: Int) -> DaemonEvent {
    DaemonEvent(
      missedDeclaration,
      Fields(uniquePairs: [
        ("count", .int(Int64(count))), ("entries", .list(entries.map { .map($0.fields) })),
      ]))
  }
}
