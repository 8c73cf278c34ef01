import Document
import Model

/// Reads the blocks of upstream manifests. Keys with an equivalent here are read; the others are accepted without
/// effect.
struct UpstreamBlocks {
  private(set) var budget = Budget()
  private(set) var policy = Policy()
  private(set) var subscribe: [EventPattern] = []

  /// A grace time of at most 300 s, upstream's limit for `gracePeriodMs`.
  static var grace: Shape<Duration> {
    Shape("a duration of at most 300s such as 30s", .text(Schema.duration)) { node in
      guard case .string(let text) = node.content, let grace = Quantity.duration(text), grace <= .seconds(300) else {
        return nil
      }
      return grace
    }
  }

  /// How the agent thinks; nil without `cognition`.
  private(set) var mind: Mind?

  init(_ fields: FieldReader, home: String?) {
    fields.accept("session", "auditTrail")
    // These keys control upstream's conversation with a model, and have no meaning here.
    fields.accept("mano", "vitakka", "vedanaEmergency", "kleshaFilter", "confidenceAudit", "confidenceFloor")
    let safety = fields.map("safety")
    mind = MindReader(fields: fields, home: home).read(safety: safety)
    readTokens(fields, safety)
    readSandbox(fields)
    readCommunication(fields)
    readCircuitBreaker(fields)
  }

  /// Upstream limits the tokens of an agent's whole life; the nearest rate is the same number per day. 0 means no
  /// limit.
  private mutating func readTokens(_ fields: FieldReader, _ safety: FieldReader?) {
    let count = Shape<Int>.int(0...Int.max)
    let usage = safety.flatMap { safety in
      let usage = safety.optional("maxTokenUsage", count)
      safety.close(as: .warning)
      return usage
    }
    if let tokens = fields.optional("maxTokenBudget", count) ?? usage, tokens > 0 {
      budget.tokens = TokenLimits([TokenLimit(Rate(count: tokens, per: .seconds(86_400)))])
    }
  }

  private mutating func readSandbox(_ fields: FieldReader) {
    guard let sandbox = fields.map("sandbox") else { return }
    if let memory = sandbox.optional("memoryLimitMb", .int(1...1_048_576)) { budget.memory = memory << 20 }
    budget.activation = sandbox.optional("cpuTimeoutMs", .milliseconds(1...86_400_000))
    sandbox.accept("rpcTimeoutMs", "enabled")
    if let restart = sandbox.map("restartPolicy") {
      let times = 0...Int64(86_400_000)
      policy.maxRestarts = restart.value("maxRestarts", .int(0...1000), policy.maxRestarts)
      policy.backoff = restart.value("backoffMs", .milliseconds(times), policy.backoff)
      policy.maxBackoff = max(
        restart.value("maxBackoffMs", .milliseconds(times), policy.maxBackoff), policy.backoff)
      policy.window = restart.value("resetWindowMs", .milliseconds(1...times.upperBound), policy.window)
      restart.close(as: .warning)
    }
    sandbox.close(as: .warning)
  }

  private mutating func readCommunication(_ fields: FieldReader) {
    guard let communication = fields.map("communication") else { return }
    communication.accept(
      "canSendTo", "canReceiveFrom", "exposedTools", "maxMessageSize", "timeoutMs", "maxRetries")
    subscribe = communication.value("eventSubscriptions", .list(of: .event), [])
    policy.grace = communication.value("gracePeriodMs", .milliseconds(0...300_000), policy.grace)
    communication.close(as: .warning)
  }

  /// Upstream's older notation of the number of failures after which the agent is stopped.
  private mutating func readCircuitBreaker(_ fields: FieldReader) {
    guard let policyNode = fields.node("policy"), case .map = policyNode.content,
      let breaker = policyNode["circuit_breaker"], let count = breaker["error_threshold"]?.scalar.int,
      (1...1000).contains(count)
    else { return }
    policy.maxRestarts = Int(count)
  }
}
