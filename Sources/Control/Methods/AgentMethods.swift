import Agent
import Model
import Wire

extension Parameter {
  fileprivate static let agentNames = ["agentId", "id"]
  static let agent = required("agent", .text, "which agent", aliases: agentNames)
  static func agent(_ meaning: String) -> Parameter { optional("agent", .text, nil, meaning, aliases: agentNames) }
  static func last(_ standard: Int64, _ range: ClosedRange<Int64>, _ meaning: String) -> Parameter {
    optional("last", .integer(range), .int(standard), meaning)
  }
  fileprivate static let wait = optional(
    "wait", .boolean, true, "whether the answer comes when nothing of it is left, or at once")
}

extension Call {
  /// The agent that the call names.
  var agentID: AgentID { AgentID(arguments.required("agent")) }

  /// Asks the agents for something, with their refusals as they travel.
  func agents<Result>(
    _ ask: (any AgentControl) throws(AgentControlError) -> Result
  ) throws(RPCError) -> Result {
    do throws(AgentControlError) {
      return try ask(services.agents)
    } catch {
      throw RPCError(error)
    }
  }

  /// An agent's status as an answer.
  func value(_ status: AgentStatus) -> Value {
    .map(status.fields(at: services.time.now, upstream: request.dialect == .upstream))
  }

  /// The status of the agent that the call names.
  func status() throws(RPCError) -> Value {
    value(try agents { control throws(AgentControlError) in try control.agentStatus(agentID) })
  }
}

extension MethodRegistry {
  static let spawnAgent = Method(
    "spawnAgent", .operate,
    "Starts a registered agent; with a manifest, registers it first, which takes the role admin.",
    [
      .agent("which agent; may be left out with a manifest"),
      .optional("manifest", .object, nil, "the contents of an `agent.json`"),
      .manifestFile("where the manifest stands"),
    ],
    result: "an agent (4.2)",
    errors: [
      .agentNotFound, .alreadyRunning, .agentNotRunning, .quarantined, .storage, .cannotRun, .invalidFile,
    ], isCommand: true
  ) { call throws(RPCError) in
    let named = call.arguments.text("agent").map { AgentID($0) }
    guard call.arguments.object("manifest") != nil else {
      guard let named else { throw Arguments.invalid("agent", "text", "either 'agent' or 'manifest' must be there") }
      return try call.spawn(named)
    }
    try ControlServer.check(call.client.role, .admin, "register an agent")
    call.register { registered in
      do throws(RPCError) {
        let id = try registered.get().id
        if let named, id != named {
          throw Arguments.invalid("agent", "'\(id)'", "the manifest is that of '\(id)', not of '\(named)'")
        }
        call.answer(.success(try call.spawn(id)))
      } catch {
        call.answer(.failure(error))
      }
    }
    return nil
  }

  static let killAgent = Method(
    "killAgent", .operate, "Ends an agent.",
    [
      .agent,
      .optional(
        "signal", .choice(["SIGTERM", "SIGKILL"]), "SIGTERM",
        "`SIGTERM` lets it finish within its grace time, `SIGKILL` does not wait"),
      .wait,
    ], result: "an agent (4.2)", errors: [.agentNotFound, .agentNotRunning], isCommand: true
  ) { call throws(RPCError) in
    try stop(call, now: call.arguments.text("signal") == "SIGKILL")
  }

  static let listAgents = Method(
    "listAgents", .view, "Lists all registered agents.",
    result: "`{\"agents\": [agent (4.2)], \"paused\": whether an emergency stop holds them}`"
  ) { call throws(RPCError) in
    [
      "agents": .list(call.services.agents.listAgents().map(call.value)),
      "paused": .bool(call.services.hardware.emergencyStop != nil),
    ]
  }

  private static func stop(_ call: Call, now: Bool) throws(RPCError) -> Value? {
    let wait = call.arguments.flag("wait") ?? true
    let id = call.agentID
    try call.agents { control throws(AgentControlError) in
      try control.killAgent(id, now: now, cause: call.cause) {
        guard wait else { return }
        do throws(RPCError) {
          call.answer(.success(try call.status()))
        } catch {
          call.answer(.failure(error))
        }
      }
    }
    // Not a ternary: there `nil` would be the JSON null.
    if wait { return nil }
    return try call.status()
  }

  static let agentMethods: [Method] = [
    Method(
      "agent.ping", .view, "Answers.", [.agent("an agent that must be registered")], result: "`{\"pong\": true}`",
      errors: [.agentNotFound]
    ) { call throws(RPCError) in
      if call.arguments.text("agent") != nil { _ = try call.status() }
      return ["pong": true]
    },
    Method(
      "agent.status", .view, "Shows one agent.", [.agent], result: "an agent (4.2)", errors: [.agentNotFound]
    ) { call throws(RPCError) in
      try call.status()
    },
    listAgents.named("agent.list", summary: "The same as `listAgents`."),
    Method(
      "agent.stop", .operate, "Ends an agent: the same as `killAgent` without a signal.",
      [.agent, .optional("now", .boolean, false, "whether it is ended without waiting for what it does"), .wait],
      result: "an agent (4.2)", errors: [.agentNotFound, .agentNotRunning], isCommand: true
    ) { call throws(RPCError) in
      try stop(call, now: call.arguments.flag("now") ?? false)
    },
    Method(
      "agent.restart", .operate, "Ends and starts an agent; also lets one out of quarantine.", [.agent],
      result: "an agent (4.2)", errors: [.agentNotFound, .agentNotRunning, .cannotRun], isCommand: true
    ) { call throws(RPCError) in
      try call.agents { control throws(AgentControlError) in
        try control.restartAgent(call.agentID, cause: call.cause)
      }
      return try call.status()
    },
    Method(
      "agent.wake", .operate, "Hands an agent an event, starting it where its lifecycle allows.",
      [
        .agent, .optional("type", .text, "agent:wake", "the event's name; as in `events.emit`"),
        .optional("payload", .object, [:], "what the event carries"),
      ], result: "`{\"event\": id}`",
      errors: [.agentNotFound, .agentNotRunning, .quarantined, .overloaded, .cannotRun], isCommand: true, wake),
    Method(
      "agent.logs", .view, "An agent's newest log lines, oldest first.",
      [.agent, .last(50, 1...1000, "how many lines, 1 to 1000")], result: "`{\"lines\": [log line (4.3)]}`",
      errors: [.agentNotFound]
    ) { call throws(RPCError) in
      ["lines": .list(try call.logs(last: 50).map { .map($0.fields) })]
    },
    Method(
      "agent.followLogs", .view, "Sends each new log line as an `agent.log` notification.",
      [
        .agent("which agent; all of them when left out"),
        .last(0, 0...1000, "how many lines that are already there come first, 0 to 1000; only with `agent`"),
      ], result: "`{\"subscription\": N}`", errors: [.agentNotFound], followLogs),
    Method(
      "agent.snapshot", .view, "An agent's own counters and state.", [.agent],
      result: "`{\"agent\": id, \"snapshot\": object}`", errors: [.agentNotFound, .agentNotRunning]
    ) { call throws(RPCError) in
      let id = call.agentID
      try call.agents { control throws(AgentControlError) in
        try control.snapshot(id) { call.answer(.success(["agent": .string(id.rawValue), "snapshot": $0])) }
      }
      return nil
    },
    Method(
      "agent.processTree", .view, "All agents as a tree of parents and children.",
      result: "`[{\"entry\": agent (4.2), \"children\": [the same]}]`"
    ) { call throws(RPCError) in
      let agents = call.services.agents.listAgents()
      let known = Set(agents.map(\.id))
      func children(_ parent: AgentID?, _ depth: Int) -> Value {
        // A parent that is not registered, or a circle of parents, leaves nobody out.
        let found = agents.filter { $0.parent.flatMap { known.contains($0) ? $0 : nil } == parent }
        guard depth < 16 else { return [] }
        return .list(found.map { ["entry": call.value($0), "children": children($0.id, depth + 1)] })
      }
      return children(nil, 0)
    },
  ]

  @Sendable private static func wake(_ call: Call) throws(RPCError) -> Value? {
    _ = try call.status()
    let type = call.arguments.required("type")
    if type != "agent:wake" { try call.checkForeign(type) }
    let payload = call.arguments.object("payload") ?? [:]
    try call.checkSize(payload)
    let event = call.services.sink.publish(type, from: call.client.source, cause: call.cause, payload)
    try call.agents { control throws(AgentControlError) in try control.wakeAgent(call.agentID, with: event) }
    return ["event": .string(event.id.description)]
  }

  @Sendable private static func followLogs(_ call: Call) throws(RPCError) -> Value? {
    let connection = try call.openConnection()
    let agent = call.arguments.text("agent").map { AgentID($0) }
    let last = agent == nil ? 0 : call.arguments.integer("last") ?? 0
    let earlier = last > 0 ? try call.logs(last: Int(last)) : []
    let subscription = try connection.subscribe(call.request.dialect)
    let control = call.services.agents
    do throws(AgentControlError) {
      let follow = try control.followLogs(agent) { [weak connection, weak subscription] line in
        guard let subscription else { return }
        connection?.notify(subscription, "agent.log", ["line": .map(line.fields)])
      }
      subscription.end = { control.endFollow(follow) }
    } catch {
      _ = connection.unsubscribe(subscription.number)
      throw RPCError(error)
    }
    call.answer(.success(["subscription": .int(subscription.number)]))
    for line in earlier { connection.notify(subscription, "agent.log", ["line": .map(line.fields)]) }
    return nil
  }
}

extension Call {
  fileprivate func spawn(_ id: AgentID) throws(RPCError) -> Value {
    value(try agents { control throws(AgentControlError) in try control.spawnAgent(id, cause: cause) })
  }

  fileprivate func logs(last standard: Int) throws(RPCError) -> [LogLine] {
    let last = arguments.integer("last").map(Int.init) ?? standard
    return try agents { control throws(AgentControlError) in try control.logs(agentID, last: last) }
  }
}
