import Agent
import Model
import RPC

extension Parameter where Argument == String {
  fileprivate static var supervision: Self {
    .optional(
      "strategy", .choice("one-for-one", "one-for-all", "rest-for-one"), default: "one-for-one",
      "what restarts when it fails: it alone, all children of its parent, or it and those that started after it")
  }
}

/// Parents and children of agents.
extension ControlMethods {
  static let familyMethods: [Method<Call>] = [
    Method(
      "agent.spawnChild", .admin,
      "Registers an agent as a child of another one, and starts it. It may not ask for more than its parent has.",
      Parameter.required("parent", .agent, "the parent, which is registered", aliases: ["parentId"]),
      Parameter.required(
        "child", .object,
        "`manifest` (the contents of an `agent.json`) or `configPath` (its absolute path, in or below the folder of the "
          + "parent's manifest, with values for its `${NAME}` in `env`); `agentId` and `name` replace those of the manifest; "
          + "`statePath` has no effect, as the daemon keeps the state",
        aliases: ["childConfig"]),
      result: "an agent (4.2)",
      errors: [
        .agentNotFound, .alreadyRunning, .agentNotRunning, .quarantined, .storage, .cannotRun, .spawnDenied,
        .parentDraining, .latticeViolated, .invalidFile,
      ], isCommand: true, spawnChild),
    Method(
      "agent.supervise", .admin,
      "Sets what restarts when a child agent fails, until it is registered again or the daemon ends. `policy.supervision` "
        + "in its manifest is for good.", .agent, .supervision,
      Parameter.optional(
        "maxRestarts", .integer(0...1000), "the most restarts within the window of its policy; by default as before"),
      result: "an agent (4.2)", errors: [.agentNotFound, .cannotRun], isCommand: true
    ) { call, agent, strategy, maxRestarts throws(RPCError) in
      try call.agents { control throws(AgentControlError) in
        try control.supervise(
          agent, Policy.Supervision(rawValue: strategy) ?? .oneForOne, maxRestarts: maxRestarts.map { Int($0) })
      }
      return try call.status(agent)
    },
  ]

  @Sendable private static func spawnChild(
    _ call: Call, _ parent: AgentID, child: Fields
  ) throws(RPCError) -> Value? {
    let known = ["manifest", "configPath", "agentId", "name", "env", "statePath"]
    if let other = child.first(where: { member in !known.contains { $0.isSame(as: member.key) } }) {
      throw RPCError(
        parameter: "child", "manifest, configPath, agentId, name, env",
        "'child' has the unknown member '\(Name(other.key).shown)'")
    }
    let parentManifest = try call.agents { control throws(AgentControlError) in try control.manifest(parent) }
    let status = try call.agents { control throws(AgentControlError) in try control.agentStatus(parent) }
    let (document, file) = try document(call, child, parent: parentManifest)
    guard case .map(var manifest) = document else {
      throw RPCError(parameter: "child", "an object", "the manifest of the child is not an object")
    }
    var identity = manifest["identity"]?.map ?? [:]
    if let id = child["agentId"] { identity["id"] = id }
    if let name = child["name"] { identity["name"] = name }
    manifest["identity"] = .map(identity)
    manifest["parent"] = .string(parent.rawValue)
    let id = AgentID(identity["id"]?.string ?? "")
    if status.state == .draining || status.state == .stopping {
      throw RPCError(AgentControlError.parentDraining(id, parent: parent))
    }
    // It would be registered, and could not start.
    if !status.isEnabled || status.state == .quarantined {
      let why = status.isEnabled ? "quarantined" : "disabled"
      throw RPCError(AgentControlError.cannotRun(id, "its parent '\(parent)' is \(why)"))
    }
    if let other = try? call.services.agents.manifest(id), other.parent != parent {
      throw RPCError(
        .spawnDenied, "there is an agent '\(id)' already, which is no child of '\(parent)'",
        data: ["agent": .string(id.rawValue), "reason": "ID_COLLISION"], hint: "choose another 'agentId'")
    }
    call.register(AgentRegistration(manifest: .map(manifest), file: file)) { registered in
      do throws(RPCError) {
        let status = try registered.get()
        // One that ran before, or of lifecycle `always`, has started already.
        guard status.state == .idle else { return call.answer(.success(call.value(status))) }
        call.answer(
          .success(
            call.value(
              try call.agents { control throws(AgentControlError) in
                try control.spawnAgent(status.id, cause: call.cause)
              })))
      } catch {
        call.answer(.failure(error))
      }
    }
    return nil
  }

  /// The child's manifest, and the path for its messages and relative paths.
  private static func document(
    _ call: Call, _ child: Fields, parent: Manifest
  ) throws(RPCError) -> (Value, String) {
    if let manifest = child["manifest"], manifest.map != nil, child["configPath"] == nil {
      guard child["env"] == nil else {
        throw RPCError(
          parameter: "child", "'env' with 'configPath' only", "'env' is for a file: write the values into 'manifest'")
      }
      // Relative paths in it start in the folder of the parent's manifest.
      let folder = parent.file.utf8.lastIndex(of: UInt8(ascii: "/")).map { parent.file[...$0] } ?? ""
      return (manifest, folder + "<child of \(parent.id)>")
    }
    guard let path = child["configPath"]?.string, child["manifest"] == nil else {
      throw RPCError(
        parameter: "child", "an object with 'manifest' or 'configPath'",
        "'child' needs either 'manifest', an object, or 'configPath', a text")
    }
    guard path.hasPrefix("/") else {
      throw RPCError(
        parameter: "child", "an absolute path in 'configPath'",
        "'configPath' of 'child' has to be an absolute path, not '\(Name(path).shown)'")
    }
    var values: [String: String] = [:]
    for (name, value) in child["env"]?.map ?? [:] {
      guard let text = value.string else {
        throw RPCError(parameter: "child", "texts in 'env'", "the value of '\(Name(name).shown)' in 'env' is no text")
      }
      values[name] = text
    }
    do throws(RegistrationError) {
      return (try call.services.registry.childManifest(path, parent: parent, values: values), path)
    } catch {
      throw RPCError(error)
    }
  }
}
