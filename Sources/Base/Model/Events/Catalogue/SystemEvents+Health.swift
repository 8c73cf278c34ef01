// The health of the daemon and the board.
extension SystemEvents {
  static var health: [EventDeclaration] {
    [
      safeModeDeclaration, safeModeLeftDeclaration, uncleanStartDeclaration, lateDeclaration, stuckDeclaration,
      movingDeclaration, pressureDeclaration,
    ]
  }

  private static var safeModeDeclaration: EventDeclaration {
    EventDeclaration(
      "system:safe_mode", .emergency, journal: .alert,
      "the daemon runs without agents and rules, outputs are safe: [watchdog](watchdog.md)",
      [.text("reason", "why, in words")], example: safeMode(reason: "it crashed three times within a minute")
    ) { event in "safe mode: no agents, no rules, outputs safe\(event.because)" }
  }

  /// - Parameter reason: why, in words.
  package static func safeMode(reason: String) -> DaemonEvent {
    DaemonEvent(safeModeDeclaration, Fields(uniquePairs: [("reason", .string(reason))]))
  }

  private static var safeModeLeftDeclaration: EventDeclaration {
    EventDeclaration(
      "system:safe_mode_left", .high, journal: .notice, "rules and agents run again", [], example: safeModeLeft()
    ) { _ in "safe mode is over: rules and agents run again" }
  }

  /// Rules and agents run again.
  package static func safeModeLeft() -> DaemonEvent { DaemonEvent(safeModeLeftDeclaration, [:]) }

  private static var uncleanStartDeclaration: EventDeclaration {
    EventDeclaration(
      "system:unclean_start", .high, journal: .warning, "the daemon's previous run did not end in good order",
      [
        .text("ending", "how: `power`, `crash.signal`, `stuck.spinning`, `stuck.blocked`, `starved` or `killed`"),
        .message, .text("agent", "the agent whose code ended it; left out for none").sometimes,
      ],
      example: uncleanStart(ending: "crash.signal", message: "SIGSEGV in agent climate", agent: "climate")
    ) { event in "the daemon's previous run did not end in good order\(event.because)" }
  }

  /// - Parameters:
  ///   - ending: how the run ended.
  ///   - message: the same in words.
  ///   - agent: the agent whose code ended it; nil for none.
  package static func uncleanStart(ending: String, message: String, agent: AgentID?) -> DaemonEvent {
    var payload = Fields(uniquePairs: [("ending", .string(ending)), ("message", .string(message))])
    payload.add("agent", agent.map { .string($0.rawValue) })
    return DaemonEvent(uncleanStartDeclaration, payload)
  }

  private static var lateDeclaration: EventDeclaration {
    EventDeclaration(
      "system:late", .high, journal: .warning, "the daemon's event loop was delayed",
      [
        .text("by", "the delay, such as `120ms`"), .text("cause", "the cause of the delay"),
        .text("longest", "the owner of the longest handler, where known").sometimes,
      ],
      example: late(by: .milliseconds(120), cause: "busy", longest: "agent/climate")
    ) { event in
      let longest = event["longest"]?.string.map { "; longest: \($0.printable)" } ?? ""
      return "the loop turned \(event.span("by") ?? "-") late: \(event.text("cause"))\(longest)"
    }
  }

  /// - Parameters:
  ///   - by: the delay, rounded down to milliseconds.
  ///   - cause: the cause of the delay, in words.
  ///   - longest: the owner of the longest handler; nil if unknown.
  package static func late(by: Duration, cause: String, longest: String?) -> DaemonEvent {
    var payload = Fields(uniquePairs: [("by", .string(rounded(by))), ("cause", .string(cause))])
    payload.add("longest", longest.map { .string($0) })
    return DaemonEvent(lateDeclaration, payload)
  }

  private static func rounded(_ duration: Duration) -> String {
    Duration.milliseconds(duration.nanoseconds / 1_000_000).text
  }

  private static var stuckDeclaration: EventDeclaration {
    EventDeclaration(
      "system:stuck", .critical, journal: .critical, "a part of the daemon makes no progress",
      [
        .text("what", "the part, such as `worker i2c-1`"), .text("for", "how long, such as `1.6s`"),
        .flag("holds_outputs", "whether outputs cannot be made safe meanwhile"),
      ],
      example: stuck("worker i2c-1", for: .milliseconds(1600), holdsOutputs: true)
    ) { event in "\(event.text("what", "something")) has made no progress for \(event.span("for") ?? "-")" }
  }

  /// - Parameters:
  ///   - what: the part, such as `worker i2c-1`.
  ///   - time: how long, rounded down to milliseconds.
  ///   - holdsOutputs: whether outputs cannot be made safe meanwhile.
  package static func stuck(_ what: String, for time: Duration, holdsOutputs: Bool) -> DaemonEvent {
    DaemonEvent(
      stuckDeclaration,
      Fields(uniquePairs: [
        ("what", .string(what)), ("for", .string(rounded(time))), ("holds_outputs", .bool(holdsOutputs)),
      ]))
  }

  private static var movingDeclaration: EventDeclaration {
    EventDeclaration(
      "system:moving", .high, journal: .notice, "a stuck part of the daemon makes progress again",
      [.text("what", "the part")], example: moving("worker i2c-1")
    ) { event in "\(event.text("what", "something")) makes progress again" }
  }

  /// - Parameter what: the part, such as `worker i2c-1`.
  package static func moving(_ what: String) -> DaemonEvent {
    DaemonEvent(movingDeclaration, Fields(uniquePairs: [("what", .string(what))]))
  }

  private static var pressureDeclaration: EventDeclaration {
    EventDeclaration(
      "system:pressure", nil, journal: .warning,
      "the board is short of a resource (priority `critical`), or no longer (`high`)",
      [
        .text("resource", "`memory`, `cpu` or `io`"), .flag("short", "whether the board is short of it"),
        .number("percent", "%", "share of the time that tasks wait for it"),
      ],
      example: pressure("memory", isShort: true, percent: 42.5)
    ) { event in
      let resource = event.text("resource", "something")
      return event["short"]?.bool == true
        ? "the board is short of \(resource)" : "the board has enough \(resource) again"
    }
  }

  /// - Parameters:
  ///   - resource: `memory`, `cpu` or `io`.
  ///   - percent: share of the time that tasks wait for it, 0 to 100.
  package static func pressure(_ resource: String, isShort: Bool, percent: Double) -> DaemonEvent {
    DaemonEvent(
      pressureDeclaration, priority: isShort ? .critical : .high,
      Fields(uniquePairs: [
        ("resource", .string(resource)), ("short", .bool(isShort)), ("percent", .double(percent)),
      ]))
  }
}
