import Agent
import Model
import Wire

extension Parameter {
  static func manifestFile(_ what: String) -> Parameter {
    optional("file", .text, "<request>", "\(what): relative paths in it start there")
  }
}

extension Call {
  /// Registers the manifest of the call.
  func register(_ done: @escaping (Result<AgentStatus, RPCError>) -> Void) {
    services.zone.register(
      manifest: arguments["manifest"] ?? .null, file: arguments.text("file") ?? "<request>"
    ) { done($0.mapError(RPCError.init)) }
  }
}

extension RPCError {
  fileprivate init(_ error: ZoneError) {
    switch error {
    case .invalid(let diagnostics): self.init(diagnostics, "the manifest is not right")
    case .agent(let refusal): self.init(refusal)
    }
  }
}

extension MethodRegistry {
  static let registryMethods: [Method] = [
    Method(
      "registry.register", .admin,
      "Registers an agent or replaces its manifest; kept across restarts of the daemon.",
      [.required("manifest", .object, "the contents of an `agent.json`"), .manifestFile("where it stands")],
      result: "an agent (4.2)",
      errors: [.alreadyRunning, .agentNotRunning, .storage, .cannotRun, .invalidFile], isCommand: true
    ) { call throws(RPCError) in
      call.register { call.answer($0.map(call.value)) }
      return nil
    },
    Method(
      "registry.unregister", .admin, "Forgets an agent that does not run.", [.agent], result: "`{\"agent\": id}`",
      errors: [.agentNotFound, .alreadyRunning, .agentNotRunning, .storage], isCommand: true
    ) { call throws(RPCError) in
      let id = call.agentID
      call.services.zone.unregister(id) { outcome in
        call.answer(outcome.map { ["agent": .string(id.rawValue)] }.mapError(RPCError.init))
      }
      return nil
    },
    Method(
      "registry.list", .view, "What is registered: the manifests in short.",
      result:
        "`{\"agents\": [{\"agent\", \"name\", \"version\", \"description\", \"driver\", \"entry\", \"lifecycle\", "
        + "\"subscribe\", \"file\"}]}`"
    ) { call throws(RPCError) in
      // One that was unregistered between the two is left out.
      let manifests = call.services.agents.listAgents().compactMap { try? call.services.agents.manifest($0.id) }
      return ["agents": .list(manifests.map { .map($0.fields) })]
    },
  ]
}
