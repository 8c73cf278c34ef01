import Agent
import Model
import RPC

extension Parameter where Argument == String {
  static var manifestFile: Self {
    .optional(
      "file", .manifestFile, default: .string(AgentRegistration.noFile),
      "the manifest's absolute path; relative paths in the manifest start in its folder, without it in the folder that "
        + "the daemon runs in")
  }
}

extension Call {
  /// Registers a manifest, with this call as the cause.
  /// - Parameter done: called once, now or later.
  func register(_ registration: AgentRegistration, _ done: @escaping (Result<AgentStatus, RPCError>) -> Void) {
    services.registry.register(registration, cause: cause) { done($0.mapError(RPCError.init)) }
  }
}

extension RPCError {
  init(_ error: RegistrationError) {
    switch error {
    case .invalid(let diagnostics): self.init(diagnostics, "the manifest is invalid")
    case .agent(let refusal): self.init(refusal)
    }
  }
}

extension ControlMethods {
  private static func entry(_ manifest: Manifest, _ status: AgentStatus) -> Fields {
    var fields = manifest.fields
    fields["enabled"] = .bool(status.isEnabled)
    fields["state"] = .string(status.state.rawValue)
    return fields
  }

  private static func enabling(_ isEnabled: Bool, _ name: String, _ summary: String) -> Method<Call> {
    Method(
      name, .admin, summary, .agent,
      result:
        "an agent (4.2); for one that is not registered, because its manifest is invalid or in safe mode, only `agent`, "
        + "`enabled` and `state`", errors: [.agentNotFound, .storage, .cannotRun],
      isCommand: true
    ) { call, agent throws(RPCError) in
      call.services.registry.setEnabled(agent, isEnabled, cause: call.cause) { outcome in
        let absent: Fields = [
          "agent": .string(agent.rawValue), "enabled": .bool(isEnabled), "state": "not registered",
        ]
        call.answer(outcome.map { $0.map(call.value) ?? .map(absent) }.mapError(RPCError.init))
      }
      return nil
    }
  }

  static let registryMethods: [Method<Call>] = [
    Method(
      "registry.register", .admin,
      "Registers or replaces an agent; the registration survives restarts of the daemon. A running agent ends within "
        + "its grace time and is started again; a quarantined agent leaves quarantine.",
      Parameter.required("manifest", .object, "the contents of an `agent.json`"),
      .manifestFile,
      Parameter.optional(
        "module", .anyText,
        "the contents of the WebAssembly module that `runtime.entry` names, in Base64; the daemon stores it in its "
          + "home. Without it the daemon reads the file itself, and needs permission to"),
      Parameter.optional(
        "trial_ms", .integer(1...600_000),
        "starts the new version, which must run this long without a failure, a kill or an emergency stop; otherwise the "
          + "previous version is restored, and the answer is -32009"),
      result: "an agent (4.2)",
      errors: [.alreadyRunning, .agentNotRunning, .storage, .cannotRun, .latticeViolated, .invalidFile], isCommand: true
    ) { call, manifest, file, module, trial throws(RPCError) in
      var registration = AgentRegistration(
        manifest: .map(manifest), file: file, trial: trial.map { .milliseconds($0) })
      if let module {
        guard let bytes = Base64.bytes(module) else {
          throw RPCError(parameter: "module", "Base64", "'module' is not Base64 with padding")
        }
        registration.module = bytes
      }
      call.register(registration) { call.answer($0.map(call.value)) }
      return nil
    },
    Method(
      "registry.unregister", .admin, "Removes an agent from the registry, with its durable values.", .agent,
      Parameter.optional(
        "end", .boolean, default: false, "whether to end it first, within its grace time, if it is running"),
      result: "`{\"agent\": id, \"rules\": ids of the rules that name it, and now wait for its registration}`",
      errors: [.agentNotFound, .alreadyRunning, .agentNotRunning, .storage], isCommand: true
    ) { call, agent, end throws(RPCError) in
      func remove() {
        call.services.registry.unregister(agent) { outcome in
          if case .success = outcome { call.services.directory.forget(agent) }
          let rules = call.services.rules.rules(naming: agent).map { Value.string($0.rawValue) }
          call.answer(
            outcome.map { ["agent": .string(agent.rawValue), "rules": .list(rules)] }.mapError(RPCError.init))
        }
      }
      guard end else {
        remove()
        return nil
      }
      do throws(AgentControlError) {
        try call.services.agents.killAgent(agent, now: false, cause: call.cause) { remove() }
      } catch .notRunning {
        remove()
      } catch {
        throw RPCError(error)
      }
      return nil
    },
    enabling(true, "registry.enable", "Lets a disabled agent run again. One of lifecycle `always` is started."),
    enabling(
      false, "registry.disable",
      "Keeps an agent from running, over restarts of the daemon too: it ends within its grace time, nothing starts it, "
        + "and rules that name it wait."),
    Method(
      "registry.list", .view, "Lists the registered agents: their manifests in short.",
      result:
        "`{\"agents\": [{\"agent\", \"name\", \"version\", \"description\", \"driver\", \"entry\", \"lifecycle\", "
        + "\"subscribe\", \"plugins\", \"file\", \"enabled\", \"state\"}], \"unusable\": {id: why an agent of the configuration or "
        + "the registry cannot run}}`"
    ) { call throws(RPCError) in
      let agents = call.services.agents
      // Omit an agent that was unregistered between the two calls.
      let entries = agents.listAgents().compactMap { status in
        (try? agents.manifest(status.id)).map { Value.map(entry($0, status)) }
      }
      let unusable = agents.unusable.sorted { $0.key < $1.key }.map { ($0.key.rawValue, Value.string($0.value)) }
      return ["agents": .list(entries), "unusable": .map(Fields(uniquePairs: unusable))]
    },
    Method(
      "registry.inspect", .view, "Shows what is registered of an agent: its manifest in short, and who names it.",
      .agent,
      result:
        "an entry of `registry.list` with `permissions`: what the manifest grants, `rules`: ids of the rules that name it, "
        + "`status`: an agent (4.2)", errors: [.agentNotFound, .cannotRun]
    ) { call, agent throws(RPCError) in
      let (manifest, status) = try call.agents { control throws(AgentControlError) in
        (try control.manifest(agent), try control.agentStatus(agent))
      }
      var fields = entry(manifest, status)
      fields["permissions"] = .map(manifest.permissionFields)
      fields["rules"] = .list(call.services.rules.rules(naming: agent).map { .string($0.rawValue) })
      fields["status"] = call.value(status)
      return .map(fields)
    },
  ]
}
