import Document
import Model

/// Reads what a manifest says of an agent that thinks: `cognition`, `guide`, `memory`, `execution`, and the bounds of `policy`
/// and `safety`. All of them are upstream's.
struct MindReader {
  let fields: FieldReader
  let home: String?

  /// - Parameter safety: the block of that name, which the caller closes; nil if there is none.
  /// - Returns: nil without `cognition`.
  func read(safety: FieldReader?) -> Mind? {
    var mind = Mind()
    guide(&mind)
    let memory = fields.map("memory")
    mind.windowSize = memory?.value("slidingWindowSize", .int(0...1000), mind.windowSize) ?? mind.windowSize
    memory?.close(as: .warning)
    bounds(&mind, safety)
    let cognition = fields.map("cognition")
    if let cognition {
      provider(cognition, &mind)
      mind.model = cognition.value("model", .anyText, mind.model)
      mind.temperature = cognition.optional("temperature", .number(0...2))
      mind.maxTokens = cognition.optional("maxTokens", .int(1...1_000_000))
      mind.maxToolRounds = cognition.value("maxToolRounds", .int(1...1000), mind.maxToolRounds)
      cognition.close(as: .warning)
    }
    execution(&mind)
    guard cognition != nil else { return nil }
    mind.endpoint = endpoint(mind.provider)
    mind.servers = servers()
    return mind
  }

  /// `provider: lmstudio`, or upstream's older `{id, config}`.
  private func provider(_ cognition: FieldReader, _ mind: inout Mind) {
    guard let node = cognition.node("provider", .either(.text(), .map { $0.accept("id", "config") })) else { return }
    if case .string(let name) = node.content { mind.provider = name }
    if let name = node["id"]?.scalar.string { mind.provider = name }
    UpstreamPlugins.noteUnused(node["config"], of: "'provider'", fields.findings)
  }

  private func guide(_ mind: inout Mind) {
    let text = fields.value("guide", .anyText, "")
    // Upstream's own guide is a plugin, `guide-character-init`, that gives a character this name.
    if text == "default-guide" { return }
    let isFile = (text.hasSuffix(".md") || text.hasSuffix(".txt")) && !text.contains { $0 == "\n" || $0 == " " }
    if isFile { mind.guideFile = Paths.expand(text, home: home) } else { mind.guide = text }
    if text.utf8.count > Mind.longestGuide {
      fields.findings.error(
        fields.place(of: "guide"), "'guide' has \(text.utf8.count) bytes, expected at most \(Mind.longestGuide)")
    }
  }

  private func bounds(_ mind: inout Mind, _ safety: FieldReader?) {
    if let safety {
      mind.maxLoopTicks = safety.value("maxLoopTicks", .int(1...10_000), mind.maxLoopTicks)
      mind.repetitiveFailThreshold = safety.value(
        "repetitiveFailThreshold", .int(1...1000), mind.repetitiveFailThreshold)
      mind.frustrationThreshold = safety.value("frustrationThreshold", .int(1...1000), mind.frustrationThreshold)
      mind.errorWindowSize = safety.value("errorWindowSize", .int(1...1000), mind.errorWindowSize)
      mind.errorRateThreshold = safety.value("errorRateThreshold", .number(0...1), mind.errorRateThreshold)
      safety.accept("fingerprintLength")
    }
    // The reader of `policy` reports its other keys, and a `policy` that is no map.
    guard let node = fields.node("policy"), case .map = node.content,
      let policy = FieldReader(node, what: "'policy'", findings: fields.findings)
    else { return }
    mind.maxConcurrentTools = min(
      policy.value("maxConcurrentTools", Self.concurrency, mind.maxConcurrentTools), Self.mostConcurrent)
    readTimeout(policy, &mind)
  }

  /// The most calls in one answer that are carried out.
  private static let mostConcurrent = 64
  /// The longest time of a call.
  private static let longestCall = Duration.seconds(3600)

  /// `maxConcurrentTools`.
  static var concurrency: Shape<Int> {
    Shape<Int>.int(1...Int.max).doubted {
      $0 > mostConcurrent ? "\(mostConcurrent) calls of one answer are carried out at most" : nil
    }
  }

  /// `toolTimeout`.
  static var timeout: Shape<Duration> {
    Shape<Duration>.durationOrMilliseconds.doubted {
      $0 > longestCall ? "a call has \(longestCall.text) at most" : nil
    }
  }

  private func readTimeout(_ block: FieldReader, _ mind: inout Mind) {
    guard let time = block.optional("toolTimeout", Self.timeout) else { return }
    mind.toolTimeout = min(time, Self.longestCall).nanoseconds / 1_000_000
  }

  private func execution(_ mind: inout Mind) {
    guard let execution = fields.map("execution") else { return }
    mind.maxToolRounds = execution.value("maxToolRounds", .int(1...1000), mind.maxToolRounds)
    mind.windowSize = execution.value("slidingWindowSize", .int(0...1000), mind.windowSize)
    readTimeout(execution, &mind)
    execution.accept("llmTimeout")
    execution.close(as: .warning)
  }

  /// The server of a provider plugin, if it is on this machine: a manifest must not lead the daemon elsewhere.
  private func endpoint(_ provider: String) -> String? {
    for plugin in UpstreamPlugins(fields).all where plugin.name.hasPrefix("provider-") {
      let isWanted = provider.isEmpty || plugin.name == "provider-\(provider)"
      guard isWanted, let url = plugin.node["config"]?["baseUrl"] else { continue }
      let found = Findings()
      guard let text = ModelReader.url.read(url, "'baseUrl'", found) else {
        for problem in found.sorted { fields.findings.warning(problem.location, "\(problem.message); it is not used") }
        continue
      }
      if ModelReader.isLocal(text) { return text }
      fields.findings.warning(
        url.location,
        "'baseUrl' leads to another machine and is not used: 'models' in openstarry.yaml lists servers, and their keys")
    }
    return provider == "lmstudio" ? "http://127.0.0.1:1234/v1" : nil
  }

  private func servers() -> [Mind.Server] {
    UpstreamPlugins(fields).all.filter { $0.name == "mcp-client" }.flatMap {
      ServerReader(findings: fields.findings).read($0.node)
    }
  }
}
