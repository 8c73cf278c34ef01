// Failures, refusals and overload of agents.
extension AgentEvents {
  static var trouble: [EventDeclaration] {
    [
      failedDeclaration, refusedDeclaration, backoffDeclaration, quarantinedDeclaration, struckDeclaration,
      overloadedDeclaration,
    ]
  }

  private static var failedDeclaration: EventDeclaration {
    EventDeclaration(
      "agent:failed", .normal, journal: .warning, "an agent has failed",
      [.agent, .text("reason", "the exit reason, such as `error` or `budget.cpu`"), .message],
      example: failed("climate", reason: "error", message: "no such sensor")
    ) { event in "\(named(event)) failed\(event.because)" }
  }

  /// - Parameters:
  ///   - reason: the exit reason.
  ///   - message: why, in words.
  package static func failed(_ agent: AgentID, reason: String, message: String) -> DaemonEvent {
    DaemonEvent(
      failedDeclaration, Fields(uniquePairs: [text(agent), ("reason", .string(reason)), ("message", .string(message))]))
  }

  private static var refusedDeclaration: EventDeclaration {
    EventDeclaration(
      "agent:refused", .normal,
      "an agent was refused a request and did not handle the refusal; repeated at most every ten minutes",
      [
        .agent, .text("code", "the kind of refusal: `busy`, `limited`, `denied`, …"), .message,
        .integer("count", "refusals since the last such event"),
        .integer("retry_after_ms", "ms", "how long to wait before trying again, where known").sometimes,
        .text("event", "the name of the event that was handled").sometimes,
      ],
      example: refused(
        "climate", code: "busy", message: "'fan' is held by client/ada", count: 3, retryAfter: .seconds(900),
        event: "sensor:temperature")
    ) { event in
      let wait = event["retry_after_ms"]?.int.map { "; try again in \(Duration.milliseconds($0).spoken)" } ?? ""
      return "\(named(event)) was refused\(event.times)\(event.because)\(wait)"
    }
  }

  /// - Parameters:
  ///   - code: the kind of refusal.
  ///   - message: why, in words.
  ///   - count: refusals since the last such event.
  ///   - retryAfter: how long to wait before trying again; nil if unknown.
  ///   - event: the name of the event that was handled; nil at the agent's start.
  package static func refused(
    _ agent: AgentID, code: String, message: String, count: Int, retryAfter: Duration?, event: String?
  ) -> DaemonEvent {
    var payload = Fields(uniquePairs: [
      text(agent), ("code", .string(code)), ("message", .string(message)), ("count", .int(Int64(count))),
    ])
    payload.add("retry_after_ms", retryAfter.map { .int($0.nanoseconds / 1_000_000) })
    payload.add("event", event.map { .string($0) })
    return DaemonEvent(refusedDeclaration, payload)
  }

  /// The name of the event `agent:backoff`.
  package static var backoffName: String { "agent:backoff" }

  private static var backoffDeclaration: EventDeclaration {
    EventDeclaration(
      backoffName, .normal, journal: .notice, "a failed agent is restarted after a delay",
      [
        .agent, .text("delay", "the delay, such as `500ms`"),
        .integer("attempt", "number of the restart within the manifest's window"),
      ],
      example: backoff("climate", delay: .milliseconds(500), attempt: 1)
    ) { event in "\(named(event)) starts again" + (event.span("delay").map { " in \($0)" } ?? "") }
  }

  /// - Parameters:
  ///   - delay: the time until the restart.
  ///   - attempt: number of the restart within the manifest's window.
  package static func backoff(_ agent: AgentID, delay: Duration, attempt: Int) -> DaemonEvent {
    DaemonEvent(
      backoffDeclaration,
      Fields(uniquePairs: [text(agent), ("delay", .string(delay.text)), ("attempt", .int(Int64(attempt)))]))
  }

  /// The name of the event `agent:quarantined`.
  package static var quarantinedName: String { "agent:quarantined" }

  private static var quarantinedDeclaration: EventDeclaration {
    EventDeclaration(
      quarantinedName, .normal, journal: .error, "an agent is not restarted until a person releases it",
      [
        .agent, .text("reason", "the exit reason of the last failure"),
        .text("message", "why, in words; left out after too many failures").sometimes,
        .integer("restarts", "restarts within `window`").sometimes,
        .text("window", "the manifest's window, such as `1m`").sometimes,
      ],
      example: quarantined(
        "climate", reason: "error", message: "it ended the daemon", restarts: 3, window: .seconds(60))
    ) { event in
      let times = event["restarts"]?.int.map { " after \($0) restart(s)" } ?? ""
      return "\(named(event)) is quarantined\(times)\(event.because)"
    }
  }

  /// - Parameters:
  ///   - reason: the exit reason of the last failure.
  ///   - message: why, in words; nil after too many failures.
  ///   - restarts: restarts within `window`; nil for another reason.
  ///   - window: the manifest's window; nil for another reason.
  package static func quarantined(
    _ agent: AgentID, reason: String, message: String? = nil, restarts: Int? = nil, window: Duration? = nil
  ) -> DaemonEvent {
    var payload = Fields(uniquePairs: [text(agent), ("reason", .string(reason))])
    payload.add("message", message.map { .string($0) })
    payload.add("restarts", restarts.map { .int(Int64($0)) })
    payload.add("window", window.map { .string($0.text) })
    return DaemonEvent(quarantinedDeclaration, payload)
  }

  private static var struckDeclaration: EventDeclaration {
    EventDeclaration(
      "agent:struck", .high, journal: .error,
      "an agent ended the daemon's previous run: [watchdog](watchdog.md)",
      [
        .agent, .integer("strikes", "how often it ended the daemon lately"),
        .integer("limit", "number of strikes that lead to quarantine"),
        .text("reason", "how the run ended, such as `crash`"), .message,
      ],
      example: struck("climate", strikes: 1, limit: 3, reason: "crash", message: "SIGSEGV in agent climate")
    ) { event in
      "\(named(event)) ended the daemon, strike \(event.shown("strikes")) of \(event.shown("limit"))\(event.because)"
    }
  }

  /// - Parameters:
  ///   - strikes: how often it ended the daemon lately.
  ///   - limit: number of strikes that lead to quarantine.
  ///   - reason: how the run ended.
  ///   - message: the same in words.
  package static func struck(
    _ agent: AgentID, strikes: Int, limit: Int, reason: String, message: String
  ) -> DaemonEvent {
    DaemonEvent(
      struckDeclaration,
      Fields(uniquePairs: [
        text(agent), ("strikes", .int(Int64(strikes))), ("limit", .int(Int64(limit))), ("reason", .string(reason)),
        ("message", .string(message)),
      ]))
  }

  /// The name of the event `agent:overloaded`.
  package static var overloadedName: String { "agent:overloaded" }

  private static var overloadedDeclaration: EventDeclaration {
    EventDeclaration(
      overloadedName, .normal, journal: .warning, "the queue of an agent is full, and an event was dropped",
      [
        .agent, .text("event", "the name of the event that was dropped"),
        .integer("waiting", "number of waiting events"),
      ],
      example: overloaded("climate", event: "sensor:temperature", waiting: 64)
    ) { event in
      "\(named(event)) has \(event.shown("waiting", "too many")) event(s) waiting; one was dropped"
    }
  }

  /// - Parameters:
  ///   - event: the name of the event that was dropped.
  ///   - waiting: number of waiting events.
  package static func overloaded(_ agent: AgentID, event: String, waiting: Int) -> DaemonEvent {
    DaemonEvent(
      overloadedDeclaration,
      Fields(uniquePairs: [text(agent), ("event", .string(event)), ("waiting", .int(Int64(waiting)))]))
  }
}
