import CLinux
import Glibc
import Linux
import OpenStarryAgent
import TestKit

/// The built program with the daemon's end of its socket; `host` answers its calls.
final class FakeDaemon {
  let pid: Int32
  private let host: ScriptedHost
  private var socket: Int32
  private var buffer: [UInt8] = []
  private var lastID: Int64 = 0
  /// The methods that the program has called.
  private(set) var methods: [String] = []

  init(_ host: ScriptedHost, environment: [String] = ["OPENSTARRY_AGENT_ID=keeper"]) throws {
    self.host = host
    var ends: [Int32] = [0, 0]
    // SAFETY: two numbers of room.
    guard unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
      throw SystemError("socketpair")
    }
    defer { close(ends[1]) }
    socket = ends[0]
    var plan = SpawnPlan(Beside.path("openstarry-mind"), ["openstarry-mind"], environment: environment)
    plan.input = .null
    plan.descriptors = [ends[1]]
    pid = try Spawn.start(plan)
  }

  deinit {
    hangUp()
    kill(pid, SIGKILL)
    _ = try? Spawn.wait(for: pid)
  }

  func hangUp() {
    if socket >= 0 { close(socket) }
    socket = -1
  }

  func exitCode() throws -> Int32 { try Spawn.wait(for: pid) }

  /// Asks the program, and answers what it asks meanwhile.
  /// - Returns: the result, or the error.
  func request(_ method: String, _ parameters: Fields = [:]) throws -> Value {
    lastID += 1
    try send(["id": .int(lastID), "method": .string(method), "params": .map(parameters)])
    while let message = try receive() {
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

  private func send(_ fields: Fields) throws { try System.writeAll(socket, JSONText.write(.map(fields)) + [10]) }

  /// The next message; nil when the program has closed.
  func receive() throws -> Value? {
    while true {
      if let end = buffer.firstIndex(of: 10) {
        let line = Array(buffer[..<end])
        buffer.removeFirst(end + 1)
        return try JSONText.read(line)
      }
      var watched = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
      // SAFETY: one structure. The time limit fails the test when the program hangs.
      guard unsafe poll(&watched, 1, 60_000) > 0 else { throw SystemError("poll", errno: ETIMEDOUT) }
      guard let count = try System.read(socket, into: &buffer), count > 0 else { return nil }
    }
  }

  private func answer(_ message: Value) throws {
    let method = message["method"]?.string ?? ""
    methods.append(method)
    guard let id = message["id"] else { return }
    do throws(AgentError) {
      let result = try result(method, message["params"]?.map ?? [:])
      try? send(["id": id, "result": result])
    } catch {
      try? send([
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
