import Agent
import Model
import RPC

extension Parameter where Argument == String {
  fileprivate static var service: Self { .required("name", .text, "the service's name", aliases: ["serviceName"]) }
}

/// Services that agents offer to others, by name.
extension ControlMethods {
  static let serviceMethods: [Method<Call>] = [
    Method(
      "service.register", .operate,
      "Notes that an agent offers a service, until the agent is removed or the daemon ends. The agent's earlier entry of "
        + "that name is replaced.", .service, .agent,
      Parameter.optional("metadata", .object, default: [:], "anything about it, at most 1 KiB as JSON"),
      result:
        "a service: `{\"serviceName\", \"agentId\", \"metadata\", \"registeredAt\" (ms since 1970), \"state\" (of the agent)}`",
      errors: [.agentNotFound, .overloaded], isCommand: true, registerService),
    Method(
      "service.lookup", .view, "Finds the agents that offer a service.", .service,
      result: "`[service]`, as of `service.register`; empty when nobody offers it"
    ) { call, name throws(RPCError) in
      list(call, name)
    },
    Method(
      "service.list", .view, "Lists all services.", result: "`[service]`, as of `service.register`"
    ) { call throws(RPCError) in
      list(call, nil)
    },
  ]

  @Sendable private static func registerService(
    _ call: Call, _ name: String, _ agent: AgentID, metadata: Fields
  ) throws(RPCError) -> Value? {
    let status = try call.agents { control throws(AgentControlError) in try control.agentStatus(agent) }
    if name.isEmpty { throw RPCError(parameter: "name", "a name", "a service needs a name") }
    guard Value.map(metadata).weight <= ServiceDirectory.longestMetadata else {
      throw RPCError(
        parameter: "metadata", "an object of at most \(ServiceDirectory.longestMetadata) bytes as JSON",
        "'metadata' is too long")
    }
    let entry = ServiceDirectory.Entry(name: name, agent: agent, metadata: metadata, time: call.wallMilliseconds)
    let agents = call.services.agents
    guard call.services.directory.register(entry, where: { (try? agents.manifest($0)) != nil }) else {
      throw RPCError(
        .overloaded, "there are \(ServiceDirectory.most) services already",
        data: ["agent": .string(agent.rawValue)])
    }
    return value(entry, status)
  }

  private static func list(_ call: Call, _ name: String?) -> Value {
    let states = Dictionary(
      call.services.agents.listAgents().map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    return .list(
      call.services.directory.list(name) { states[$0] != nil }.compactMap { entry in
        states[entry.agent].map { value(entry, $0) }
      })
  }

  private static func value(_ entry: ServiceDirectory.Entry, _ status: AgentStatus) -> Value {
    [
      "serviceName": .string(entry.name), "agentId": .string(entry.agent.rawValue), "metadata": .map(entry.metadata),
      "registeredAt": .int(Int64(clamping: entry.time)), "state": .string(status.state.rawValue),
    ]
  }
}
