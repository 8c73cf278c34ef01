/// Events of rules.
package enum RuleEvents {
  static var all: [EventDeclaration] {
    [
      loadedDeclaration, waitingDeclaration, firedDeclaration, errorDeclaration, missedDeclaration, beganDeclaration,
      endedDeclaration, variableDeclaration, notifyDeclaration, logDeclaration, ShadowEvents.ruleDeclaration,
    ]
  }

  private static func text(_ rule: RuleID) -> (key: String, value: Value) { ("rule", .string(rule.rawValue)) }

  private static func named(_ event: Event) -> String { "rule \(event.subject("rule"))" }

  private static var loadedDeclaration: EventDeclaration {
    EventDeclaration(
      "rule:loaded", .normal, isInternal: true, "the rule files were read, and their rules are in force",
      [.integer("rules", "number of rules")], example: loaded(4)
    ) { event in "\(event.shown("rules")) rule(s) loaded" }
  }

  /// - Parameter count: number of rules in force.
  package static func loaded(_ count: Int) -> DaemonEvent {
    DaemonEvent(loadedDeclaration, Fields(uniquePairs: [("rules", .int(Int64(count)))]))
  }

  private static var waitingDeclaration: EventDeclaration {
    EventDeclaration(
      "rule:waiting", .normal, journal: .warning, "a loaded rule cannot act yet",
      [.rule, .text("agent", "the agent it waits for; left out if it waits for the clock").sometimes, .message],
      example: waiting("hot", for: "climate", message: "it waits for agent climate, which is not registered")
    ) { event in "\(named(event))\(event.because)" }
  }

  /// - Parameters:
  ///   - agent: the agent that it waits for; nil if it waits for the clock.
  ///   - message: why, in words.
  package static func waiting(_ rule: RuleID, for agent: AgentID?, message: String) -> DaemonEvent {
    var payload = Fields(uniquePairs: [text(rule)])
    payload.add("agent", agent.map { .string($0.rawValue) })
    payload["message"] = .string(message)
    return DaemonEvent(waitingDeclaration, payload)
  }

  private static var firedDeclaration: EventDeclaration {
    EventDeclaration(
      "rule:fired", nil, "a rule acts; the priority is that of the event that triggered it",
      [
        .rule, .text("event", "the name of the event that triggered it"),
        .integer("count", "number of events folded into one, if more than one").sometimes,
      ],
      example: fired("hot", by: "sensor:temperature", .normal, count: 12)
    ) { event in "\(named(event)) matched" + event.folded }
  }

  /// - Parameters:
  ///   - event: the name of the event that triggered it.
  ///   - priority: the priority of that event.
  ///   - count: number of events folded into one; 1 is left out.
  package static func fired(_ rule: RuleID, by event: String, _ priority: Priority, count: Int) -> DaemonEvent {
    var payload = Fields(uniquePairs: [text(rule), ("event", .string(event))])
    payload.add("count", count > 1 ? .int(Int64(count)) : nil)
    return DaemonEvent(firedDeclaration, priority: priority, payload)
  }

  private static var errorDeclaration: EventDeclaration {
    EventDeclaration(
      "rule:error", .normal, journal: .warning,
      "a condition or an action of a rule has failed; repeated at most every ten minutes",
      [
        .rule, .text("action", "the action that failed; left out for a condition").sometimes,
        .text("error", "why, in words"),
        .integer("count", "failures since the last such event, if more than one").sometimes,
      ],
      example: error("hot", action: "actuate(fan, on)", "'fan' is held by client/ada", count: 2)
    ) { event in
      let action = event["action"]?.string.map { " at '\($0.printable)'" } ?? ""
      return "\(named(event)) failed\(event.times)\(action)\(event.because)"
    }
  }

  /// - Parameters:
  ///   - action: the action that failed; nil for the condition.
  ///   - why: the error, in words.
  ///   - count: failures since the last such event; 1 is left out.
  package static func error(_ rule: RuleID, action: String? = nil, _ why: String, count: Int = 1) -> DaemonEvent {
    var payload = Fields(uniquePairs: [text(rule)])
    payload.add("action", action.map { .string($0) })
    payload["error"] = .string(why)
    payload.add("count", count > 1 ? .int(Int64(count)) : nil)
    return DaemonEvent(errorDeclaration, payload)
  }

  /// A calendar entry that was skipped.
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
      "rule:missed", .normal, journal: .warning, "calendar entries were skipped, and are not made up for",
      [
        .integer("count", "number of skipped entries"),
        .list("entries", "the first 50: `rule`, `due` (ms since 1970), `local` (time of day)"),
      ],
      example: missed([Entry(rule: "night", due: 1_767_236_400, local: "03:00")], of: 1)
    ) { event in
      let entries = (event["entries"]?.list ?? []).map { entry in
        [entry["rule"], entry["local"]].compactMap { $0?.string?.printable }.joined(separator: " ")
      }
      let count = event["count"]?.int ?? 0
      let rest = count > Int64(entries.count) ? " and \(count - Int64(entries.count)) more" : ""
      return "calendar entries were skipped, and are not made up for: \(entries.joined(separator: ", "))\(rest)"
    }
  }

  /// - Parameters:
  ///   - entries: the first 50 skipped entries.
  ///   - count: number of skipped entries in all.
  package static func missed(_ entries: [Entry], of count: Int) -> DaemonEvent {
    DaemonEvent(
      missedDeclaration,
      Fields(uniquePairs: [
        ("count", .int(Int64(count))), ("entries", .list(entries.map { .map($0.fields) })),
      ]))
  }

  // MARK: State rules

  private static var beganDeclaration: EventDeclaration {
    EventDeclaration(
      "rule:began", .normal, "a state rule begins to last, or lasts again after a restart of the daemon",
      [.rule, .flag("resumes", "whether it lasted before the restart; then its `action` is not carried out")],
      example: began("heating", resumes: false)
    ) { event in "\(named(event)) \(event["resumes"]?.bool ?? false ? "lasts again" : "has begun")" }
  }

  /// - Parameter resumes: whether it lasted before a restart.
  package static func began(_ rule: RuleID, resumes: Bool) -> DaemonEvent {
    DaemonEvent(beganDeclaration, Fields(uniquePairs: [text(rule), ("resumes", .bool(resumes))]))
  }

  private static var endedDeclaration: EventDeclaration {
    EventDeclaration(
      "rule:ended", .normal, "a state rule lasts no longer", [.rule, .message],
      example: ended("heating", because: "its condition has ended")
    ) { event in "\(named(event)) has ended\(event.because)" }
  }

  /// - Parameter because: why, as a clause.
  package static func ended(_ rule: RuleID, because: String) -> DaemonEvent {
    DaemonEvent(endedDeclaration, Fields(uniquePairs: [text(rule), ("message", .string(because))]))
  }

  // MARK: Actions

  /// The name of the event that a variable has changed.
  package static let variableName = "rule:variable"

  private static var variableDeclaration: EventDeclaration {
    EventDeclaration(
      variableName, .normal, "a variable of the rules has changed",
      [
        .text("name", "its name"), .text("value", "its value, as JSON"),
        .text("holder", "who set it: a rule or a person"),
      ],
      example: variable("armed", true, by: "client/ada")
    ) { event in
      guard let name = event["name"]?.string, let value = event["value"]?.string else { return nil }
      return "vars.\(name.printable) = \(value.printable)"
    }
  }

  /// - Parameters:
  ///   - name: the variable.
  ///   - value: its new value.
  ///   - holder: who set it: `rule/night`, `client/ada`.
  package static func variable(_ name: String, _ value: Value, by holder: String) -> DaemonEvent {
    DaemonEvent(
      variableDeclaration,
      Fields(uniquePairs: [
        ("name", .string(name)), ("value", .string(value.text(limit: 1024))), ("holder", .string(holder)),
      ]))
  }

  private static var notifyDeclaration: EventDeclaration {
    EventDeclaration(
      "rule:notify", .high, journal: .notice, "a rule tells people something (`notify`)",
      [
        .rule, .text("text", "what it says"), .text("to", "for whom; left out for everybody").sometimes,
        .text("picture", "the camera whose picture belongs to it").sometimes,
      ],
      example: notify("probe", "the tank probe has been silent for ten minutes", to: "ada", picture: "cam0")
    ) { event in
      guard let text = event["text"]?.string else { return nil }
      return "\(event["to"]?.string.map { "to \($0.printable): " } ?? "")\(text.printable)"
    }
  }

  /// - Parameters:
  ///   - text: what to say.
  ///   - to: for whom; nil for everybody.
  ///   - picture: a camera; nil for none.
  package static func notify(_ rule: RuleID, _ text: String, to: String?, picture: DeviceID?) -> DaemonEvent {
    var payload = Fields(uniquePairs: [self.text(rule), ("text", .string(text))])
    payload.add("to", to.map { .string($0) })
    payload.add("picture", picture.map { .string($0.rawValue) })
    return DaemonEvent(notifyDeclaration, payload)
  }

  private static var logDeclaration: EventDeclaration {
    EventDeclaration(
      "rule:log", .low, journal: .info, "a rule writes into the log (`log`)", [.rule, .text("text", "what it writes")],
      example: log("probe", "the tank is at 40 %")
    ) { event in event["text"]?.string.map { "\(named(event)): \($0.printable)" } }
  }

  /// - Parameter text: what to write.
  package static func log(_ rule: RuleID, _ text: String) -> DaemonEvent {
    DaemonEvent(logDeclaration, Fields(uniquePairs: [self.text(rule), ("text", .string(text))]))
  }
}
