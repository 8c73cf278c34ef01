/// Events about the lifecycle of agents. `AgentEvents+Trouble.swift` has failures, refusals and overload.
package enum AgentEvents {
  static var all: [EventDeclaration] {
    [
      registeredDeclaration, unregisteredDeclaration, enabledDeclaration, disabledDeclaration, startedDeclaration,
      activatedDeclaration, wakeDeclaration, timerDeclaration, answerDeclaration,
    ]
      + trouble + [stoppedDeclaration, ShadowEvents.agentDeclaration]
  }

  static func text(_ agent: AgentID) -> (key: String, value: Value) { ("agent", .string(agent.rawValue)) }

  static func named(_ event: Event) -> String { "agent \(event.subject("agent"))" }

  // MARK: Registration

  private static var registeredDeclaration: EventDeclaration {
    EventDeclaration(
      "agent:registered", .normal, isInternal: true, "an agent was registered, and survives restarts of the daemon",
      [.agent, .text("version", "the manifest's version")], example: registered("climate", version: "1.2.0")
    ) { event in "\(named(event)) registered" }
  }

  /// - Parameter version: the manifest's version.
  package static func registered(_ agent: AgentID, version: String) -> DaemonEvent {
    DaemonEvent(registeredDeclaration, Fields(uniquePairs: [text(agent), ("version", .string(version))]))
  }

  private static var unregisteredDeclaration: EventDeclaration {
    EventDeclaration(
      "agent:unregistered", .normal, "an agent was removed", [.agent], example: unregistered("climate")
    ) { event in "\(named(event)) unregistered" }
  }

  /// An agent was removed.
  package static func unregistered(_ agent: AgentID) -> DaemonEvent {
    DaemonEvent(unregisteredDeclaration, Fields(uniquePairs: [text(agent)]))
  }

  private static var enabledDeclaration: EventDeclaration {
    EventDeclaration(
      "agent:enabled", .normal, "a disabled agent may run again", [.agent], example: enabled("climate")
    ) { event in "\(named(event)) enabled" }
  }

  /// A disabled agent may run again.
  package static func enabled(_ agent: AgentID) -> DaemonEvent {
    DaemonEvent(enabledDeclaration, Fields(uniquePairs: [text(agent)]))
  }

  private static var disabledDeclaration: EventDeclaration {
    EventDeclaration(
      "agent:disabled", .normal, "an agent may not run until it is enabled", [.agent], example: disabled("climate")
    ) { event in "\(named(event)) disabled" }
  }

  /// An agent may not run until it is enabled.
  package static func disabled(_ agent: AgentID) -> DaemonEvent {
    DaemonEvent(disabledDeclaration, Fields(uniquePairs: [text(agent)]))
  }

  // MARK: Running

  private static var startedDeclaration: EventDeclaration {
    EventDeclaration(
      "agent:started", .normal, "an instance of an agent has started",
      [.agent, .integer("restarts", "restarts since the daemon's start")],
      example: started("climate", restarts: 2)
    ) { event in
      let restarts = event["restarts"]?.int ?? 0
      return "\(named(event)) started" + (restarts > 0 ? " (restart \(restarts))" : "")
    }
  }

  /// - Parameter restarts: restarts since the daemon's start.
  package static func started(_ agent: AgentID, restarts: Int) -> DaemonEvent {
    DaemonEvent(startedDeclaration, Fields(uniquePairs: [text(agent), ("restarts", .int(Int64(clamping: restarts)))]))
  }

  private static var activatedDeclaration: EventDeclaration {
    EventDeclaration(
      "agent:activated", nil, "an agent begins to handle an event; the priority is that of the agent's manifest",
      [.agent, .text("event", "the name of the event")],
      example: activated("climate", by: "sensor:temperature", .normal)
    ) { event in "\(named(event)) woke" + event.folded }
  }

  /// - Parameters:
  ///   - event: the name of the event that it handles.
  ///   - priority: the priority of the agent's manifest.
  package static func activated(_ agent: AgentID, by event: String, _ priority: Priority) -> DaemonEvent {
    DaemonEvent(
      activatedDeclaration, priority: priority, Fields(uniquePairs: [text(agent), ("event", .string(event))]))
  }

  /// The name of the event that wakes an agent and reports nothing else.
  package static var wakeName: String { "agent:wake" }

  private static var wakeDeclaration: EventDeclaration {
    EventDeclaration(
      wakeName, .normal, isOpen: true,
      "a client wakes an agent (`openstarry wake`); the payload is the client's", [],
      example: wake(["greeting": "hello"])
    ) { event in event.payload.isEmpty ? nil : EventSentence.fields(event.payload) }
  }

  /// - Parameter payload: the client's payload.
  package static func wake(_ payload: Fields) -> DaemonEvent { DaemonEvent(wakeDeclaration, payload) }

  private static var timerName: String { "agent:timer" }

  private static var answerName: String { "agent:answer" }

  /// Whether it is the name of an event that is delivered only to the agent that it is about.
  package static func isPrivate(_ type: String) -> Bool { isTimer(type) || type.isSame(as: answerName) }

  private static var answerDeclaration: EventDeclaration {
    EventDeclaration(
      answerName, nil, isInternal: true, isOpen: true,
      "a model has answered what the agent asked without waiting; only that agent gets it, with the priority of its "
        + "manifest",
      [
        .agent, .text("name", "the name that the agent gave its question"), .text("text", "the answer").sometimes,
        .text("error", "why there is no answer").sometimes,
      ], example: answer("climate", name: "why", ["text": "because", "error": "unavailable"], .normal)
    ) { event in "answer \(event.text("name")) for \(named(event))" }
  }

  /// A model has answered an agent's question.
  /// - Parameters:
  ///   - name: the question's name.
  ///   - fields: the answer as of `chat`, or `error`.
  package static func answer(_ agent: AgentID, name: String, _ fields: Fields, _ priority: Priority) -> DaemonEvent {
    DaemonEvent(
      answerDeclaration, priority: priority,
      Fields(uniquePairs: [text(agent), ("name", .string(name))] + fields.map { ($0.key, $0.value) }))
  }

  /// Whether it is the name of the event that is delivered only to the agent whose timer it is about.
  package static func isTimer(_ type: String) -> Bool { type.isSame(as: timerName) }

  private static var timerDeclaration: EventDeclaration {
    EventDeclaration(
      timerName, nil, isInternal: true,
      "the time of a timer that an agent has set has come; only that agent gets it, with the priority of its manifest",
      [.agent, .text("timer", "the timer's name")], example: timer("climate", name: "dry", .normal)
    ) { event in "timer \(event.text("timer")) of \(named(event))" }
  }

  /// - Parameters:
  ///   - name: the timer's name.
  ///   - priority: the priority of the agent's manifest.
  package static func timer(_ agent: AgentID, name: String, _ priority: Priority) -> DaemonEvent {
    DaemonEvent(timerDeclaration, priority: priority, Fields(uniquePairs: [text(agent), ("timer", .string(name))]))
  }

  private static var stoppedDeclaration: EventDeclaration {
    EventDeclaration(
      "agent:stopped", .normal, "the instance of an agent has ended, and is not restarted by itself",
      [.agent, .text("reason", "the exit reason, such as `killed`")], example: stopped("climate", reason: "killed")
    ) { event in "\(named(event)) stopped\(event.because)" }
  }

  /// - Parameter reason: the exit reason.
  package static func stopped(_ agent: AgentID, reason: String) -> DaemonEvent {
    DaemonEvent(stoppedDeclaration, Fields(uniquePairs: [text(agent), ("reason", .string(reason))]))
  }
}
