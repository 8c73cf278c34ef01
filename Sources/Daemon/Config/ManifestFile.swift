import Agent
import Document
import Model

/// `agent.json`: an agent's identity, permissions and budget. The page `docs/agent-json.md` describes it.
///
/// Upstream manifests are accepted too. Their keys with an equivalent here are used; the others are only stored in
/// `Manifest.document`.
package enum ManifestFile {
  /// Reads a manifest.
  /// - Parameters:
  ///   - node: the whole file.
  ///   - file: the file's path, for messages; relative paths in the file start in its folder.
  ///   - environment: the variables for `${NAME}`; `HOME` also replaces `~`.
  ///   - isolations: the known isolations; a manifest of another one is not checked against its isolation.
  ///   - board: the board; devices that it does not have cause warnings. nil for no check.
  /// - Returns: the manifest, and warnings. `document` is the file without substitutions, so that secrets from the
  ///   environment are not stored.
  /// - Throws: all errors and warnings.
  package static func decode(
    _ node: Node, file: String, environment: [String: String], isolations: [Isolation],
    board: Board? = nil
  ) throws(Diagnostics) -> (Manifest, warnings: [Diagnostic]) {
    let findings = Findings()
    let substituted = EnvironmentVariables(values: environment, findings: findings).substitute(node)
    guard let fields = FieldReader(substituted, what: "the manifest", findings: findings) else {
      return try findings.finish(nil)
    }
    let reader = ManifestReader(fields: fields, home: environment["HOME"], isolations: isolations)
    let manifest = reader.read(document: node.value, file: file)
    if let manifest, let board { ManifestDevices(board: board, findings: findings).check(fields, manifest) }
    return try findings.finish(manifest)
  }

  /// The form of the file.
  static func schema(isolations: [Isolation]) -> Schema {
    Schema.map {
      let reader = ManifestReader(fields: $0, home: "", isolations: isolations)
      _ = reader.read(document: .null, file: "")
    }.withVariables
  }
}

/// Reads the blocks of a manifest: first upstream's keys, then ours, which override them.
struct ManifestReader {
  let fields: FieldReader
  let home: String?
  let isolations: [Isolation]

  func read(document: Value, file: String) -> Manifest? {
    let identity = identity()
    let runtime = runtime()
    let upstream = UpstreamBlocks(fields, home: home)
    // For editors; the daemon has its own.
    fields.accept("$schema")
    var capabilities = CapabilityReader(home: home).read(fields)
    var mind = upstream.mind
    if mind != nil {
      // Upstream's own plugins are what the daemon and the mind do themselves.
      capabilities.plugins.removeAll { UpstreamPlugins.name($0) != nil }
      if capabilities.asksModels == nil { capabilities.permissions.model = true }
      mind?.tools = capabilities.tools
      if runtime == nil { UpstreamPlugins(fields).note(fields.findings) }
      for url in ServerReader.missingHosts(mind?.servers ?? [], capabilities.permissions.hosts) {
        fields.findings.warning(
          fields.place(of: "plugins"),
          "the MCP server \(Wording.quoted(url)) is out of reach: 'network_allow_hosts' of 'capabilities.permissions' "
            + "does not have its host")
      }
    }
    var manifest = Manifest(
      id: identity?.id ?? "", name: identity?.name ?? "", version: identity?.version ?? "0.0.0",
      description: identity?.description ?? "",
      runtime: runtime ?? Manifest.Runtime(driver: .process, entry: mind == nil ? "" : Mind.program),
      permissions: capabilities.permissions, plugins: capabilities.plugins,
      budget: budget(upstream.budget, runtime?.driver, mind), policy: policy(upstream.policy),
      subscribe: fields.optional("subscribe", .oneOrMore(of: .event)) ?? upstream.subscribe, document: document,
      file: file, parent: fields.optional("parent", Shape<AgentID>.id),
      parentLocation: fields.node("parent")?.location)
    manifest.report = report()
    manifest.shadow = shadow(manifest)
    manifest.mind = mind
    if let identity, manifest.parent == identity.id {
      fields.findings.error(fields.place(of: "parent"), "'parent' is the agent itself, expected another agent's id")
    }
    fields.close(as: .warning)
    return identity == nil ? nil : manifest
  }

  /// `shadow`. A misspelt one is an error, although other unknown keys are not: the agent would move things.
  private func shadow(_ manifest: Manifest) -> Bool {
    let isShadow = fields.value("shadow", .bool, false)
    for entry in fields.entries
    where !entry.key.isSame(as: "shadow") && Suggestion.closest(to: entry.key, in: ["shadow"]) != nil {
      fields.accept(entry.key)
      fields.findings.error(
        entry.keyLocation, "the manifest has an unknown key \(Wording.quoted(entry.key)) (did you mean 'shadow'?)")
    }
    if isShadow, manifest.permissions.actuators.isEmpty {
      fields.findings.warning(
        fields.place(of: "shadow"),
        "the agent is a shadow and may command no output: there is nothing to compare, and what else it would do is "
          + "counted ('actuators' of 'capabilities.permissions')")
    }
    return isShadow
  }

  /// The types that a field of a report may have.
  private static let reportTypes = ["bool", "int", "double", "string", "list", "map"]

  private func report() -> [String: String]? {
    let entries = fields.entries(of: "report", .choice(Self.reportTypes), names: Schema.variable)
    guard fields.node("report") != nil else { return nil }
    let type = Shape<String>.choice(Self.reportTypes.map { ($0, $0) })
    return entries.reduce(into: [:]) { types, entry in
      types[entry.key] = type.read(entry.value, "the type of '\(entry.key)'", fields.findings)
    }
  }

  private func identity() -> (id: AgentID, name: String, version: String, description: String)? {
    guard let identity = fields.requiredMap("identity", "a map with 'id' and 'name'") else { return nil }
    let id = identity.required("id", Shape<AgentID>.id)
    let name = identity.optional("name", .name)
    let version = identity.value("version", .name, "0.0.0")
    let description = identity.value("description", .anyText, "")
    identity.close(as: .warning)
    return id.map { ($0, name ?? $0.rawValue, version, description) }
  }

  private func runtime() -> Manifest.Runtime? {
    guard let node = fields.node("runtime", runtimeSchema) else {
      if !fields.entries.contains(where: { $0.key == "cognition" }) {
        fields.findings.warning(
          fields.location,
          "the manifest has no 'runtime' and no 'cognition': it loads without a program;"
            + " add a 'runtime' with 'driver' and 'entry' to run it here")
      }
      return nil
    }
    return FieldReader(node, what: "'runtime'", findings: fields.findings).flatMap(runtime)
  }

  /// The most bytes of all arguments with their ends. The launcher takes plans of 64 KiB (`LauncherMessage.longest`), in which
  /// there is more than that, and JSON for an engine may take twice the room.
  private static let longestArguments = 32_768

  private var runtimeSchema: Schema {
    .variants(by: "driver", Manifest.Driver.allCases.map(\.rawValue)) { _ = runtime($0) }
  }

  private func runtime(_ runtime: FieldReader) -> Manifest.Runtime? {
    let driver = runtime.required("driver", .choice(of: Manifest.Driver.self))
    let entry = runtime.required("entry", .text("text: \(isolation(driver)?.entry ?? "the program")"))
    let lifecycle = runtime.value("lifecycle", .choice(of: Manifest.Lifecycle.self), .onDemand)
    // Keys of one isolation are unknown to the others.
    let hasArguments = driver == .process || driver == .docker
    let arguments = hasArguments ? runtime.value("args", .list(of: .anyText), []) : []
    let length = arguments.reduce(0) { $0 + $1.utf8.count + 1 }
    if length > Self.longestArguments {
      runtime.findings.error(
        runtime.place(of: "args"),
        "'args' are \(length) bytes long together, expected at most \(Self.longestArguments): put long texts into a file"
      )
    }
    let instance = driver == .wasm ? runtime.value("instance", .choice(of: Manifest.Instance.self), .warm) : .warm
    runtime.close { key in
      let isolations = ["args": "'process' and 'docker' have", "instance": "'wasm' has"]
      return isolations.first { $0.key.isSame(as: key) }.map { key, which in
        "'runtime' has '\(key)', which only \(which)"
      }
    }
    guard let driver, let entry else { return nil }
    return Manifest.Runtime(
      driver: driver, entry: entry, arguments: arguments, lifecycle: lifecycle, instance: instance)
  }

  private func isolation(_ driver: Manifest.Driver?) -> Isolation? { isolations.first { $0.kind == driver } }

  /// Our keys override upstream's one by one.
  private func budget(_ upstream: Budget, _ driver: Manifest.Driver?, _ mind: Mind?) -> Budget {
    guard let block = fields.map("budget") else { return upstream }
    var budget = upstream
    budget.read(block, .agent(isolation(driver), answer: mind?.maxTokens))
    // Unknown keys are errors: a misspelt limit would be no limit.
    block.close()
    return budget
  }

  private func policy(_ upstream: Policy) -> Policy {
    guard let block = fields.map("policy") else { return upstream }
    var policy = upstream
    policy.restart = block.value("restart", .choice(of: Policy.Restart.self), policy.restart)
    policy.maxRestarts = block.value("max_restarts", .int(0...1000), policy.maxRestarts)
    policy.window = block.value("window", .duration(atLeast: .seconds(1)), policy.window)
    policy.backoff = block.value("backoff", .duration(), policy.backoff)
    policy.maxBackoff = block.optional("max_backoff", .duration()) ?? max(policy.maxBackoff, policy.backoff)
    policy.grace = block.value("grace", UpstreamBlocks.grace, policy.grace)
    policy.priority = block.value("priority", Self.priority, policy.priority)
    policy.supervision = block.value("supervision", .choice(of: Policy.Supervision.self), policy.supervision)
    // `MindReader` reads these.
    _ = block.node("maxConcurrentTools", MindReader.concurrency.schema)
    _ = block.node("toolTimeout", MindReader.timeout.schema)
    block.accept("pathRestrictions", "max_steps", "circuit_breaker")
    if policy.maxBackoff < policy.backoff {
      fields.findings.error(
        block.place(of: "max_backoff"),
        "'max_backoff' is \(policy.maxBackoff.text), expected at least 'backoff', which is \(policy.backoff.text)")
    }
    block.close(as: .warning)
    return policy
  }

  private static var priority: Shape<Priority> {
    let names = ["emergency", "critical", "high", "normal", "low", "background"]
    return Shape(
      "0 (emergency) to 5 (background), or \(Wording.alternatives(names))", names: names,
      .either(.integer(0...5), .choice(names))
    ) { node in
      if case .string(let name) = node.content { return names.firstIndex(of: name).flatMap(Priority.init(rawValue:)) }
      return node.scalar.int.flatMap { Priority(rawValue: Int(truncatingIfNeeded: $0)) }
    }
  }
}
