import OpenStarryAgent

/// A daemon in memory whose model follows a script. It grants what `surroundings` lists, and records what passes.
final class ScriptedHost: AgentHost {
  var now: UInt64 = 5_000_000_000
  /// The model: gets the request, and its number from 0.
  var model: (ModelRequest, Int) throws(AgentError) -> ModelAnswer
  private(set) var requests: [ModelRequest] = []
  /// What passed the gate.
  private(set) var effects: [String] = []
  private(set) var logs: [String] = []
  var kept: [String: Value] = [:]
  private(set) var timers: [String: Duration] = [:]
  var refusesStorage = false
  /// Refusals of `control`, one after the other.
  var refusals: [AgentError] = []
  /// How often a picture is not ready yet.
  var picturesLate = 0
  var picture = [UInt8](repeating: 0xFF, count: 100)
  /// How long each call of the board takes, in nanoseconds.
  var delay: UInt64 = 0

  var mind: Fields = [:]
  var devices: [Value] = [
    ["id": "temperature", "kind": "sensor", "unit": "°C", "value": 31.5, "state": "31.5 °C"],
    ["id": "door", "kind": "input", "state": "inactive"],
    ["id": "fan", "kind": "actuator", "name": "Fan", "state": "off", "limits": ["max_on 5m"]],
    ["id": "cam0", "kind": "camera", "state": "streaming"],
  ]
  var emits: [String] = ["house:*"]
  var paths: [String] = []

  init(_ model: @escaping (ModelRequest, Int) throws(AgentError) -> ModelAnswer) { self.model = model }

  /// A model that gives these answers, and says `done` after them.
  convenience init(_ answers: [ModelAnswer]) {
    self.init { (_, number) in number < answers.count ? answers[number] : ModelAnswer(text: "done") }
  }

  func surroundings() throws(AgentError) -> Value {
    [
      "agent": "keeper", "name": "Keeper", "description": "keeps it cool", "devices": .list(devices),
      "emit": .list(emits.map(Value.string)), "paths": .list(paths.map(Value.string)), "mind": .map(mind),
    ]
  }

  private func grants(_ id: String, _ kinds: String...) -> Bool {
    devices.contains { $0["id"]?.string == id && kinds.contains($0["kind"]?.string ?? "") }
  }

  private func pass(_ effect: String) {
    now += delay
    effects.append(effect)
  }

  func read(_ sensor: String) throws(AgentError) -> Reading {
    guard grants(sensor, "sensor", "input") else { throw AgentError(.denied, "may not read '\(sensor)'") }
    pass("read \(sensor)")
    return Reading(value: 31.5, unit: "°C", time: now - 2_000_000_000)
  }

  func control(_ actuator: String, _ command: ActuatorCommand, lease: Duration?) throws(AgentError) -> Receipt {
    guard grants(actuator, "actuator"), lease != nil else { throw AgentError(.denied, "may not control '\(actuator)'") }
    if !refusals.isEmpty { throw refusals.removeFirst() }
    pass("control \(actuator) \(command) \(lease!)")
    return Receipt(id: ULID(high: 1, low: 1), state: command.steadyLevel ?? 1, previous: 0, at: now)
  }

  func snapshot(_ camera: String) throws(AgentError) -> [UInt8] {
    guard grants(camera, "camera") else { throw AgentError(.denied, "may not use '\(camera)'") }
    if picturesLate > 0 {
      picturesLate -= 1
      throw AgentError(.unavailable, "no picture yet")
    }
    pass("snapshot \(camera)")
    return picture
  }

  func complete(
    _ request: ModelRequest, _ done: @escaping (Result<ModelAnswer, AgentError>) -> Void
  ) throws(AgentError) -> CompletionID {
    requests.append(request)
    done(.success(try model(request, requests.count - 1)))
    return CompletionID(UInt64(requests.count))
  }

  func emit(_ type: String, _ payload: Fields) throws(AgentError) -> ULID {
    guard type.hasPrefix("house:") else { throw AgentError(.denied, "may not emit '\(type)'") }
    pass("emit \(type) \(String(decoding: JSONText.write(.map(payload)), as: UTF8.self))")
    return ULID(high: 2, low: 2)
  }

  func log(_ level: LogLevel, _ message: String) { logs.append("\(level) \(message)") }

  func state(_ key: String) -> Value? { kept[key] }

  func setState(_ key: String, _ value: Value?) throws(AgentError) {
    if refusesStorage { throw AgentError(.limited, "budget.storage is used up") }
    kept[key] = value
  }

  func setTimer(_ name: String, after delay: Duration, repeats: Bool) throws(AgentError) {
    if timers.count >= 16, timers[name] == nil { throw AgentError(.limited, "16 timers") }
    timers[name] = delay
    pass("timer \(name) \(delay)\(repeats ? " again and again" : "")")
  }

  func cancelTimer(_ name: String) { timers[name] = nil }

  func file(_ path: String) throws(AgentError) -> [UInt8] { throw AgentError(.denied, path) }
}

extension ModelAnswer {
  /// An answer that asks for tools.
  static func calls(_ calls: ToolCall..., finish: String = "tool_calls") -> ModelAnswer {
    ModelAnswer(text: "", toolCalls: calls, finish: finish, promptTokens: 100, answerTokens: 10)
  }
}

extension ToolCall {
  static func fan(_ command: Value = "on", lease: Value = 60, id: String = "c1") -> ToolCall {
    ToolCall(id: id, name: "controlActuator", arguments: ["id": "fan", "command": command, "lease_s": lease])
  }

  init(_ name: String, _ arguments: Fields?, id: String = "c1") { self.init(id: id, name: name, arguments: arguments) }
}

extension ModelRequest {
  /// The answers of tools, newest last.
  var toolAnswers: [Value] {
    messages.filter { $0.role == .tool }.compactMap { message in
      let text = message.text
      guard text.hasPrefix("<data>"), text.hasSuffix("</data>") else { return nil }
      return try? JSONText.read(Array(text.dropFirst(6).dropLast(7).utf8))
    }
  }
}
