import Agent
import Model
import Projection
import RPC

extension Parameter where Argument == AgentID {
  static var agent: Self { .required("agent", .agent, "which agent", aliases: agentNames) }
}

extension Parameter where Argument == AgentID? {
  static func agent(_ meaning: String) -> Self { .optional("agent", .agent, meaning, aliases: agentNames) }
}

extension Parameter where Argument == Bool {
  fileprivate static var wait: Self {
    .optional(
      "wait", .boolean, default: true, "whether to answer once the agent has ended completely, instead of at once")
  }
}

private let agentNames = ["agentId", "id"]

extension Call {
  /// Calls the agents, and converts their errors.
  func agents<Result>(
    _ ask: (any AgentControl) throws(AgentControlError) -> Result
  ) throws(RPCError) -> Result {
    do throws(AgentControlError) {
      return try ask(services.agents)
    } catch {
      throw RPCError(error)
    }
  }

  /// A row of the projection as a result. The upstream form has additional names.
  func value(_ agent: Fields) -> Value {
    var fields = agent
    if request.dialect == .upstream {
      fields["agentId"] = fields["agent"]
      fields["status"] = fields["state"]
      fields["uptime"] = fields["uptime_ms"]?.int.map { .double(Double($0) / 1000) } ?? .int(0)
    }
    return .map(fields)
  }

  /// An agent's status as a result.
  func value(_ status: AgentStatus) -> Value { value(status.fields(at: now)) }

  /// The current status of an agent as a result.
  func status(_ id: AgentID) throws(RPCError) -> Value {
    value(try agents { control throws(AgentControlError) in try control.agentStatus(id) })
  }
}

extension ControlMethods {
  static let spawnAgent = Method<Call>(
    "spawnAgent", .operate,
    "Starts a registered agent; with a manifest, registers it first, which requires role admin.",
    .agent("which agent; optional with a manifest"),
    Parameter.optional("manifest", .object, "the contents of an `agent.json`"),
    .manifestFile,
    result: "an agent (4.2)",
    errors: [
      .agentNotFound, .alreadyRunning, .agentNotRunning, .quarantined, .storage, .cannotRun, .parentDraining,
      .latticeViolated, .invalidFile,
    ], isCommand: true, spawn)

  @Sendable private static func spawn(
    _ call: Call, _ named: AgentID?, manifest: Fields?, file: String
  ) throws(RPCError) -> Value? {
    guard let manifest else {
      guard let named else { throw RPCError(parameter: "agent", "text", "either 'agent' or 'manifest' is needed") }
      return try call.spawn(named)
    }
    try call.client.role.require(.admin, to: "register an agent")
    call.register(AgentRegistration(manifest: .map(manifest), file: file)) { registered in
      do throws(RPCError) {
        let id = try registered.get().id
        if let named, id != named {
          throw RPCError(parameter: "agent", "'\(id)'", "the manifest declares '\(id)', not '\(named)'")
        }
        call.answer(.success(try call.spawn(id)))
      } catch {
        call.answer(.failure(error))
      }
    }
    return nil
  }

  static let killAgent = Method<Call>(
    "killAgent", .operate, "Ends an agent.", .agent,
    Parameter.optional(
      "signal", .choice("SIGTERM", "SIGKILL"), default: "SIGTERM",
      "`SIGTERM` lets it finish within its grace time, `SIGKILL` does not wait"),
    .wait, result: "an agent (4.2)", errors: [.agentNotFound, .agentNotRunning], isCommand: true
  ) { call, agent, signal, wait throws(RPCError) in
    try stop(call, agent, now: signal == "SIGKILL", wait: wait)
  }

  static let listAgents = Method<Call>(
    "listAgents", .view, "Lists all registered agents.",
    result: "`{\"agents\": [agent (4.2)], \"paused\": whether an emergency stop holds them}`"
  ) { call throws(RPCError) in
    [
      "agents": .list(call.services.projection.agentRows.map(call.value)),
      "paused": .bool(call.services.hardware.emergencyStop != nil),
    ]
  }

  @Sendable private static func stop(_ call: Call, _ agent: AgentID, now: Bool, wait: Bool) throws(RPCError) -> Value? {
    try call.agents { control throws(AgentControlError) in
      try control.killAgent(agent, now: now, cause: call.cause) {
        guard wait else { return }
        do throws(RPCError) {
          call.answer(.success(try call.status(agent)))
        } catch {
          call.answer(.failure(error))
        }
      }
    }
    // Not a ternary, in which `nil` would be the JSON null.
    if wait { return nil }
    return try call.status(agent)
  }

  static let agentMethods: [Method<Call>] = [
    Method(
      "agent.ping", .view, "Answers at once.", .agent("an agent that must be registered"), result: "`{\"pong\": true}`",
      errors: [.agentNotFound]
    ) { call, agent throws(RPCError) in
      if let agent { _ = try call.status(agent) }
      return ["pong": true]
    },
    Method(
      "agent.status", .view, "Shows one agent.", .agent, result: "an agent (4.2)", errors: [.agentNotFound]
    ) { call, agent throws(RPCError) in
      try call.status(agent)
    },
    listAgents.named("agent.list", summary: "The same as `listAgents`."),
    Method(
      "agent.stop", .operate, "Ends an agent: the same as `killAgent` without a signal.", .agent,
      Parameter.optional(
        "now", .boolean, default: false, "whether to end it without waiting for its activation"),
      .wait, result: "an agent (4.2)", errors: [.agentNotFound, .agentNotRunning], isCommand: true
    ) { call, agent, now, wait throws(RPCError) in
      try stop(call, agent, now: now, wait: wait)
    },
    Method(
      "agent.restart", .operate, "Ends and starts an agent; releases it from quarantine.", .agent,
      result: "an agent (4.2)",
      errors: [.agentNotFound, .agentNotRunning, .cannotRun, .parentDraining, .latticeViolated], isCommand: true
    ) { call, agent throws(RPCError) in
      try call.agents { control throws(AgentControlError) in try control.restartAgent(agent, cause: call.cause) }
      return try call.status(agent)
    },
    Method(
      "agent.wake", .operate, "Delivers an event to an agent, and starts the agent if its lifecycle allows.", .agent,
      Parameter.optional(
        "type", .text, default: .string(AgentEvents.wakeName), "the event's name, as in `events.emit`"),
      Parameter.optional("payload", .object, default: [:], "the event's payload"),
      result: "`{\"event\": id}`",
      errors: [.agentNotFound, .agentNotRunning, .quarantined, .overloaded, .cannotRun], isCommand: true, wake),
    Method(
      "agent.logs", .view, "Returns an agent's newest log lines, oldest first.", .agent,
      Parameter.optional("last", .integer(1...1000), default: 50, "how many lines, 1 to 1000"),
      result: "`{\"lines\": [log line (4.3)]}`", errors: [.agentNotFound]
    ) { call, agent, last throws(RPCError) in
      ["lines": .list(try call.logs(agent, last: last).map { .map($0.fields) })]
    },
    Method(
      "agent.followLogs", .view, "Sends each new log line as an `agent.log` notification.",
      .agent("which agent; by default all agents"),
      Parameter.optional(
        "last", .integer(0...1000), default: 0,
        "how many existing lines are sent first, 0 to 1000; only with `agent`"),
      result: "`{\"subscription\": N}`", errors: [.agentNotFound], followLogs),
    Method(
      "agent.snapshot", .view,
      "Returns an agent's report: its own counters and state. If the agent does not report within 1 s, the answer has "
        + "its last report, and `late` is true.", .agent,
      result:
        "`{\"agent\": id, \"snapshot\": object, \"age_ms\": its age, null before the first report, \"late\": boolean}`",
      errors: [.agentNotFound, .agentNotRunning]
    ) { call, agent throws(RPCError) in
      try call.agents { _ throws(AgentControlError) in
        try call.services.projection.report(of: agent) { report in
          call.answer(
            .success([
              "agent": .string(agent.rawValue), "snapshot": report.value,
              "age_ms": report.age?.milliseconds ?? .null, "late": .bool(report.isLate),
            ]))
        }
      }
      return nil
    },
    Method(
      "agent.processTree", .view, "Returns all agents as a tree of parents and children.",
      result: "`[{\"entry\": agent (4.2), \"children\": [the same]}]`", processTree),
  ]

  @Sendable private static func processTree(_ call: Call) throws(RPCError) -> Value? {
    let agents = call.services.projection.agentRows
    let known = Set(agents.compactMap { $0["agent"]?.string })
    func children(_ parent: String?, _ depth: Int) -> Value {
      // Agents with an unregistered parent are roots. The depth limit ends a cycle of parents.
      let found = agents.filter { $0["parent"]?.string.flatMap { known.contains($0) ? $0 : nil } == parent }
      guard depth < 16 else { return [] }
      return .list(
        found.map { ["entry": call.value($0), "children": children($0["agent"]?.string, depth + 1)] })
    }
    return children(nil, 0)
  }

  @Sendable private static func wake(
    _ call: Call, _ agent: AgentID, type: String, payload: Fields
  ) throws(RPCError) -> Value? {
    // A refused command publishes nothing.
    try call.agents { control throws(AgentControlError) in try control.checkWake(agent) }
    let isNameless = type.isSame(as: AgentEvents.wakeName)
    if !isNameless { try call.checkForeign(type) }
    try call.checkSize(payload)
    let (sink, source) = (call.services.sink, call.client.source)
    let event =
      isNameless
      ? sink.publish(AgentEvents.wake(payload), from: source, cause: call.cause)
      : sink.publish(type, from: source, cause: call.cause, payload)
    try call.agents { control throws(AgentControlError) in try control.wakeAgent(agent, with: event) }
    return ["event": .string(event.id.description)]
  }

  @Sendable private static func followLogs(_ call: Call, _ agent: AgentID?, last: Int64) throws(RPCError) -> Value? {
    let session = try call.openSession()
    let earlier: [LogLine] =
      if let agent, last > 0 { try call.logs(agent, last: last) } else { [] }
    let subscription = try session.subscribe(call.request.dialect)
    let control = call.services.agents
    do throws(AgentControlError) {
      let follow = try control.followLogs(agent) { [weak session, weak subscription] line in
        guard let subscription else { return }
        session?.notify(subscription, "agent.log", ["line": .map(line.fields)])
      }
      subscription.end = { control.endFollow(follow) }
    } catch {
      _ = session.unsubscribe(subscription.number)
      throw RPCError(error)
    }
    call.answer(.success(["subscription": .int(subscription.number)]))
    for line in earlier { session.notify(subscription, "agent.log", ["line": .map(line.fields)]) }
    return nil
  }
}

extension Call {
  fileprivate func spawn(_ id: AgentID) throws(RPCError) -> Value {
    value(try agents { control throws(AgentControlError) in try control.spawnAgent(id, cause: cause) })
  }

  fileprivate func logs(_ id: AgentID, last: Int64) throws(RPCError) -> [LogLine] {
    try agents { control throws(AgentControlError) in try control.logs(id, last: Int(last)) }
  }
}
