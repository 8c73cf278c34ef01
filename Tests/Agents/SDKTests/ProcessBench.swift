import AgentSocketKit
import Glibc
import Linux
import Model
import TestKit

/// A process agent with the daemon's end of its socket.
final class ProcessBench {
  let pid: Int32
  private let socket: DaemonSocket
  private var lastID: Int64 = 100

  /// Starts a program that is built with the tests.
  /// - Parameter hasSocket: whether the program gets a socket as descriptor 3.
  init(_ name: String, environment: [String] = ["OPENSTARRY_AGENT_ID=room"], hasSocket: Bool = true) throws {
    var started: Int32 = 0
    socket = try DaemonSocket { end in
      var plan = SpawnPlan(Beside.path(name), [name], environment: environment)
      if hasSocket { plan.descriptors = [end] }
      started = try Spawn.start(plan)
    }
    pid = started
  }

  deinit {
    hangUp()
    kill(pid, SIGKILL)
    _ = try? Spawn.wait(for: pid)
  }

  func send(bytes: [UInt8]) throws { try socket.send(bytes: bytes) }
  func send(_ text: String) throws { try send(bytes: Array("\(text)\n".utf8)) }

  /// Sends a request.
  /// - Returns: its id.
  func request(_ method: String, _ parameters: Fields = [:]) throws -> Int64 {
    lastID += 1
    let message: Value = [
      "jsonrpc": "2.0", "id": .int(lastID), "method": .string(method), "params": .map(parameters),
    ]
    try socket.send(message)
    return lastID
  }

  /// The next message; nil when the agent has closed.
  func receive() throws -> Value? { try socket.receive() }

  func hangUp() { socket.hangUp() }

  /// Waits until the agent exits.
  func exitCode() throws -> Int32 { try Spawn.wait(for: pid) }

  /// Sends an event, answers the agent's calls from `host`, and waits until the event has been handled.
  /// - Returns: the failure in the form of `AgentError.description`; nil for success.
  func activate(_ event: Event, _ host: TestHost) throws -> String? {
    let id = try request("activate", ["event": event.text])
    while let message = try receive() {
      if let method = message["method"]?.string {
        let (result, error) = Self.answer(method, message["params"] ?? [:], host)
        guard let call = message["id"] else { continue }
        var answer: Fields = ["jsonrpc": "2.0", "id": call]
        if let result { answer["result"] = result }
        if let error {
          var fields: Fields = ["code": .int(Self.number(error.code)), "message": .string(error.message)]
          if let wait = error.retryAfter { fields["data"] = ["retry_after_ms": .int(wait.nanoseconds / 1_000_000)] }
          answer["error"] = .map(fields)
        }
        try socket.send(.map(answer))
      } else if message["id"]?.int == id {
        guard let error = message["error"] else { return nil }
        let code = AgentError.Code.allCases.first { Self.number($0) == error["code"]?.int }!
        let wait = error["data"]?["retry_after_ms"]?.int.map { Duration.milliseconds($0) }
        return AgentError(code, error["message"]!.string!, retryAfter: wait).description
      }
    }
    throw SystemError("activate", errno: EPIPE)
  }

  /// The daemon's answers to the agent's calls.
  private static func answer(_ method: String, _ parameters: Value, _ host: TestHost) -> (Value?, AgentError?) {
    func text(_ name: String) -> String { parameters[name]?.string ?? "" }
    do throws(AgentError) {
      switch method {
      case "getSensorData":
        let reading = try host.read(text("id"))
        return (
          [
            "value": .double(reading.value), "unit": .string(reading.unit), "time": .int(Int64(reading.time)),
            "quality": .string(reading.quality.rawValue),
          ], nil
        )
      case "controlActuator":
        let lease = parameters["lease_ms"]?.int.map { Duration.milliseconds($0) }
        let receipt = try host.control(text("id"), text("command") == "on" ? .on : .off, lease: lease)
        return (
          [
            "id": .string("\(receipt.id)"), "state": .double(receipt.state), "previous": .double(receipt.previous),
            "at": .int(Int64(receipt.at)),
          ], nil
        )
      case "emit": return (["id": .string("\(try host.emit(text("type"), parameters["payload"]?.map ?? [:]))")], nil)
      case "log":
        host.log(LogLevel(rawValue: Int(parameters["level"]?.int ?? 6))!, text("message"))
        return (nil, nil)
      case "ready": return (nil, nil)
      default: return (nil, AgentError(.failed, "no method '\(method)'"))
      }
    } catch {
      return (nil, error)
    }
  }

  static func number(_ code: AgentError.Code) -> Int64 {
    switch code {
    case .waiting: -32028
    case .notFound: -32020
    case .denied: -32021
    case .busy: -32022
    case .limited: -32023
    case .invalid: -32024
    case .unavailable: -32025
    case .failed: -32026
    }
  }
}

extension Event {
  /// The event in the agent protocol's form.
  var text: Value {
    [
      "id": .string("\(id)"), "type": .string(type), "time": .int(Int64(time)),
      "clock_synchronised": .bool(clockSynchronised), "monotonic_ns": .int(Int64(monotonic)),
      "source": .string(source), "cause": cause.map { .string("\($0)") } ?? .null, "trace": .string("\(trace)"),
      "depth": .int(Int64(depth)), "priority": .int(Int64(priority.rawValue)), "payload": .map(payload),
    ]
  }
}
