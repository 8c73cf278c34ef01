import AgentSocketKit
import Glibc
import Linux
import OpenStarryAgent
import TestKit

/// The built program with the daemon's end of its socket; `host` answers its calls.
final class FakeDaemon {
  let pid: Int32
  private let host: ScriptedHost
  let socket: DaemonSocket
  private var lastID: Int64 = 0
  /// The methods that the program has called.
  private(set) var methods: [String] = []

  init(_ host: ScriptedHost, environment: [String] = ["OPENSTARRY_AGENT_ID=keeper"]) throws {
    self.host = host
    var started: Int32 = 0
    socket = try DaemonSocket { end in
      var plan = SpawnPlan(Beside.path("openstarry-mind"), ["openstarry-mind"], environment: environment)
      plan.input = .null
      plan.descriptors = [end]
      started = try Spawn.start(plan)
    }
    pid = started
  }

  deinit {
    hangUp()
    kill(pid, SIGKILL)
    _ = try? Spawn.wait(for: pid)
  }

  func hangUp() { socket.hangUp() }

  func exitCode() throws -> Int32 { try Spawn.wait(for: pid) }

  /// Asks the program, and answers what it asks meanwhile.
  /// - Returns: the result, or the error.
  func request(_ method: String, _ parameters: Fields = [:]) throws -> Value {
    lastID += 1
    try socket.send(["id": .int(lastID), "method": .string(method), "params": .map(parameters)])
    while let message = try socket.receive() {
      if message["method"] != nil {
        try answer(message)
      } else if message["id"]?.int == lastID {
        return message["result"] ?? message["error"] ?? .null
      }
    }
    throw SystemError(method, errno: EPIPE)
  }

  func activate(_ type: String, _ payload: Fields, from source: String) throws -> Value {
    let id = ULID(high: 1, low: UInt64(lastID))
    return try request(
      "activate",
      [
        "event": [
          "id": .string("\(id)"), "type": .string(type), "source": .string(source), "payload": .map(payload),
        ]
      ])
  }

  private func answer(_ message: Value) throws {
    let method = message["method"]?.string ?? ""
    methods.append(method)
    guard let id = message["id"] else { return }
    do throws(AgentError) {
      let result = try result(method, message["params"]?.map ?? [:])
      try? socket.send(["id": id, "result": result])
    } catch {
      try? socket.send([
        "id": id,
        "error": ["code": .int(error.code == .notFound ? -32020 : -32021), "message": .string(error.message)],
      ])
    }
  }

  private func result(_ method: String, _ parameters: Fields) throws(AgentError) -> Value {
    let id = parameters["id"]?.string ?? ""
    switch method {
    case "describe": return try host.surroundings()
    case "chat":
      var answer: ModelAnswer?
      _ = try host.complete(ModelRequest(.map(parameters))) { answer = try? $0.get() }
      return answer?.wireValue ?? .null
    case "getSensorData": return .map(try host.read(id).fields)
    case "getCameraSnapshot": return ["jpeg": .bytes(try host.snapshot(id))]
    case "controlActuator":
      guard let command = parameters["command"].flatMap(ActuatorCommand.init(wireValue:)) else {
        throw AgentError(.invalid, "no command")
      }
      return .map(try host.control(id, command, lease: parameters["lease_ms"]?.int.map { .milliseconds($0) }).fields)
    case "state.get":
      guard let value = host.state(parameters["key"]?.string ?? "") else { throw AgentError(.notFound, "no value") }
      return ["value": value]
    case "state.set":
      try host.setState(parameters["key"]?.string ?? "", parameters["value"])
      return [:]
    default: throw AgentError(.notFound, "no method \(method)")
    }
  }
}
