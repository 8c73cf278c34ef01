// How the daemon and the board are.
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
      "system:unclean_start", .high, journal: .warning, "the run of the daemon before ended badly",
      [
        .text("ending", "how: `power`, `crash.signal`, `stuck.spinning`, `stuck.blocked`, `starved` or `killed`"),
        .message, .text("agent", "whose code did it, where it was an agent's").sometimes,
      ],
      example: uncleanStart(ending: "crash.signal", message: "SIGSEGV in agent climate", agent: "climate")
    ) { event in "the last run of the daemon ended badly\(event.because)" }
  }

  /// - Parameters:
  ///   - ending: how the run ended.
  ///   - message: the same in words.
  ///   - agent: whose code did it; nil where it was nobody's.
  package static func uncleanStart(ending: String, message: String, agent: AgentID?) -> DaemonEvent {
    var payload = Fields(uniquePairs: [("ending", .string(ending)), ("message", .string(message))])
    payload.add("agent", agent.map { .string($0.rawValue) })
    return DaemonEvent(uncleanStartDeclaration, payload)
  }

  private static var lateDeclaration: EventDeclaration {
    EventDeclaration(
      "system:late", .high, journal: .warning, "the daemon's loop turned too late",
      [
        .text("by", "how late, such as `120ms`"), .text("cause", "what held it up"),
        .text("longest", "whose handler took longest, where that is known").sometimes,
      ],
      example: late(by: .milliseconds(120), cause: "busy", longest: "agent/climate")
    ) { event in
      let longest = event["longest"]?.string.map { "; longest: \($0.printable)" } ?? ""
      return "the loop turned \(event.span("by") ?? "-") late: \(event.text("cause"))\(longest)"
    }
  }

  /// - Parameters:
  ///   - by: how late; told in whole milliseconds.
  ///   - cause: what held it up.
  ///   - longest: whose handler took longest; nil where nobody knows.
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
      "system:stuck", .critical, journal: .critical, "a part of the daemon does not move",
      [
        .text("what", "the part, such as `worker i2c-1`"), .text("for", "for how long, such as `1.6s`"),
        .flag("holds_outputs", "whether outputs cannot be made safe meanwhile"),
      ],
      example: stuck("worker i2c-1", for: .milliseconds(1600), holdsOutputs: true)
    ) { event in "\(event.text("what", "something")) does not move for \(event.span("for") ?? "-")" }
  }

  /// - Parameters:
  ///   - what: the part, such as `worker i2c-1`.
  ///   - time: for how long; told in whole milliseconds.
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
      "system:moving", .high, journal: .notice, "a part of the daemon that was stuck moves again",
      [.text("what", "the part")], example: moving("worker i2c-1")
    ) { event in "\(event.text("what", "something")) moves again" }
  }

  /// - Parameter what: the part, such as `worker i2c-1`.
  package static func moving(_ what: String) -> DaemonEvent {
    DaemonEvent(movingDeclaration, Fields(uniquePairs: [("what", .string(what))]))
  }

  private static var pressureDeclaration: EventDeclaration {
    EventDeclaration(
      "system:pressure", nil, journal: .warning,
      "the board is short of something (priority `critical`), or not any more (`high`)",
      [
        .text("resource", "`memory`, `cpu` or `io`"), .flag("short", "whether it is short of it"),
        .number("percent", "%", "how much of the time something waits for it"),
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
  ///   - percent: how much of the time something waits for it.
  package static func pressure(_ resource: String, isShort: Bool, percent: Double) -> DaemonEvent {
    DaemonEvent(
      pressureDeclaration, priority: isShort ? .critical : .high,
      Fields(uniquePairs: [
        ("resource", .string(resource)), ("short", .bool(isShort)), ("percent", .double(percent)),
      ]))
  }
}
