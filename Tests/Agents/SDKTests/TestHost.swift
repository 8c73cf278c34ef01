import Model

/// A host that records calls and refuses chosen ones.
final class TestHost: AgentHost {
  var now: UInt64 = 42
  private(set) var trace: [String] = []
  var kept: [String: Value] = [:]
  var picture: [UInt8]?
  /// The errors of failing calls, by the number of the call from 0.
  var refusals: [Int: AgentError] = [:]
  private(set) var calls = 0

  func read(_ sensor: String) throws(AgentError) -> Reading {
    try note("read \(sensor)")
    return Reading(value: 21.5, unit: "°C", time: 7, quality: .stale)
  }

  func control(_ actuator: String, _ command: ActuatorCommand, lease: Duration?) throws(AgentError) -> Receipt {
    try note("control \(actuator) \(command) \(lease.map { "\($0)" } ?? "default")")
    return Receipt(id: ULID(high: 1, low: UInt64(calls)), state: command == .on ? 1 : 0, previous: 0, at: 9)
  }

  func snapshot(_ camera: String) throws(AgentError) -> [UInt8] {
    try note("snapshot \(camera)")
    guard let picture else { throw AgentError(.unavailable, "no picture yet") }
    return picture
  }

  func frame(_ camera: String, width: Int, height: Int) throws(AgentError) -> [UInt8] {
    try note("frame \(camera) \(width)x\(height)")
    return [UInt8](repeating: 7, count: width * height)
  }

  func complete(
    _ request: ModelRequest, _ done: @escaping (Result<ModelAnswer, AgentError>) -> Void
  ) throws(AgentError) -> CompletionID {
    let texts = request.messages.map { "\($0.role.rawValue): \($0.text)" }.joined(separator: ", ")
    try note("complete \(texts) (\(request.maxTokens ?? 0))")
    done(.success(ModelAnswer(text: "thirty – 30", answerTokens: 9)))
    return CompletionID(1)
  }

  func emit(_ type: String, _ payload: Fields) throws(AgentError) -> ULID {
    try note("emit \(type) \(String(decoding: JSONText.write(.map(payload)), as: UTF8.self))")
    return ULID(high: 2, low: UInt64(calls))
  }

  func log(_ level: LogLevel, _ message: String) { trace.append("log \(level) \(message)") }

  func state(_ key: String) -> Value? {
    do throws(AgentError) { try note("state \(key)") } catch { return nil }
    return kept[key]
  }

  func setState(_ key: String, _ value: Value?) throws(AgentError) {
    try note("set \(key) \(value.map { String(decoding: JSONText.write($0), as: UTF8.self) } ?? "nothing")")
    kept[key] = value
  }

  func file(_ path: String) throws(AgentError) -> [UInt8] { throw AgentError(.denied, path) }

  /// The calls since the last `take`.
  func take() -> [String] {
    defer { trace = [] }
    return trace
  }

  func note(_ text: String) throws(AgentError) {
    defer { calls += 1 }
    let refusal = refusals[calls]
    trace.append(refusal == nil ? text : "\(text) refused")
    if let refusal { throw refusal }
  }
}
