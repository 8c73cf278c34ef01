import CLinux
import Document
import Glibc
import Linux
import Model
import OpenStarryAgent
import RPC
import TestKit
import Wire

/// Messages to a process agent on descriptor 3 (docs/process-abi.md): the JSON readers of both sides agree on every
/// line, the agent answers every request, and it exits with code 0.
package final class ProcessTarget: FuzzTarget {
  package let name = "process"
  package let longest = 8192
  package let words = [
    "jsonrpc", "2.0", "id", "method", "params", "activate", "snapshot", "stop", "event", "type", "payload", "sensor",
    "actuator", "emit", "key", "fail", "value", "result", "error", "code", "message", "data", "retry_after_ms", "time",
    "monotonic_ns", "cause", "trace", "depth", "priority", "source", "clock_synchronised", "01J00000000000000000000000",
    "probe:go", "unit", "quality", "good", "state", "previous", "at", "confirmed",
  ]
  private let program: String
  private let mutator: ValueMutator

  /// - Parameter program: a program that runs `FuzzAgent` when it is started with the argument `agent`.
  package init(program: String) {
    self.program = program
    mutator = ValueMutator(words: words)
  }

  package func make(_ random: inout SeededGenerator, _ pool: Pool) -> [UInt8]? {
    guard random.next() % 3 != 0 else { return nil }
    var lines = pool.any(&random).split(separator: 10).map { Array($0) }
    for index in lines.indices where random.next() % 2 == 0 {
      guard let value = try? JSON.decode(lines[index][...]) else { continue }
      let other = lines.randomElement(using: &random).flatMap { try? JSON.decode($0[...]) }
      lines[index] = JSON.encode(mutator.mutate(value, other ?? .null, &random))
    }
    return Array(lines.joined(separator: [10]).prefix(longest))
  }

  package func run(_ input: [UInt8], _ seen: inout Seen) throws {
    for line in input.split(separator: 10) { try compare(Array(line), &seen) }
    let agent = try AgentEnd(program)
    try agent.send(input + [10])
    let probe = #"{"id":"the last","method":"snapshot"}"#
    try agent.send(Array((probe + "\n").utf8))
    let isAnswered = try agent.converse { message in
      seen.note(message["method"]?.string ?? message["error"]?["message"]?.string ?? "\(message.map?.keys ?? [])")
      // Other errors have messages of the agent or of the host.
      if let error = message["error"], [-32700, -32600, -32601, -32015].contains(error["code"]?.int) {
        try MessageRules.check(error["message"]?.string ?? "", about: input)
      }
      try require(message["jsonrpc"] == "2.0", "a message without its version: \(message)")
      return message["id"] == "the last" && message["method"] == nil
    }
    let code = try agent.end()
    try require(code == 0, "the agent ends with \(code > 128 ? "signal \(code - 128)" : "code \(code)")")
    // After `stop` the agent need not answer.
    try require(isAnswered || String(decoding: input, as: UTF8.self).has("stop"), "the agent no longer answers")
  }

  /// Compares the SDK's JSON reader with the daemon's, which is jansson: both accept the same texts as the same values.
  private func compare(_ line: [UInt8], _ seen: inout Seen) throws {
    let sdk = Result { () throws(AgentError) in try JSONText.read(line) }
    let daemon = Result { () throws(Diagnostic) in try JSON.decode(line[...]) }
    switch (sdk, daemon) {
    case (.success(let left), .success(let right)):
      try require(left == right, "read as \(left) by agents, as \(right) by the daemon")
      // The value survives a round trip.
      try require((try? JSON.decode(JSON.encode(left)[...])) == left, "it does not read what it writes: \(left)")
    case (.failure(let left), .failure(let right)):
      try MessageRules.check(left.message, about: line)
      try MessageRules.check(right.message, about: line)
      seen.note(left.message)
      seen.note(right.message)
    case (.success(let left), .failure(let right)): throw Violation("agents read \(left), the daemon: \(right)")
    case (.failure(let left), .success(let right)): throw Violation("agents: \(left); the daemon reads \(right)")
    }
  }
}

/// An agent that performs the actions in its events.
package struct FuzzAgent: Agent {
  private var count: Int64 = 0

  package init() {}

  package mutating func handle(_ event: Event, _ context: inout Context) throws(AgentError) {
    count += 1
    context.log("\(event.type) \(event.payload.count)")
    if let sensor = event["sensor"]?.string { _ = try context.read(sensor) }
    if let actuator = event["actuator"]?.string {
      try context.control(actuator, .level(0.5), lease: event["value"]?.int.map { .milliseconds($0) })
    }
    if let camera = event["camera"]?.string { _ = try context.frame(camera, width: 2, height: 2) }
    if let type = event["emit"]?.string { try context.emit(type, event.payload) }
    if let key = event["key"]?.string { try context.setState(key, event["value"] ?? context.state(key)) }
    if let message = event["fail"]?.string { throw AgentError(.failed, message) }
  }

  package func snapshot() -> Value { ["count": .int(count)] }
}

/// The daemon's end of an agent's descriptor 3.
private final class AgentEnd {
  private let pid: Int32
  private var socket: Int32
  private var framer = LineFramer()
  private var waiting: [UInt8] = []

  init(_ program: String) throws {
    let (ours, theirs) = try UnixSocket.pair()
    defer { close(theirs) }
    socket = ours
    try System.setNonBlocking(ours)
    pid = try Spawn.start(
      program, ["fuzz", "agent"], environment: ["OPENSTARRY_AGENT_ID=probe"], descriptors: [theirs])
  }

  func send(_ bytes: [UInt8]) throws { waiting += bytes }

  /// Sends pending bytes, answers the agent's calls, and passes its other messages to `take`.
  /// - Parameter take: returns whether this was the last message.
  /// - Returns: false when the agent has closed the socket before that.
  func converse(_ take: (Value) throws -> Bool) throws -> Bool {
    while true {
      var watched = pollfd(fd: socket, events: Int16(POLLIN | (waiting.isEmpty ? 0 : POLLOUT)), revents: 0)
      // SAFETY: one structure. The process's alarm limits the wait.
      _ = unsafe poll(&watched, 1, -1)
      if watched.revents & Int16(POLLOUT) != 0 {
        // Drop the bytes when the agent has closed the socket.
        waiting.removeFirst((try? UnixSocket.send(socket, waiting[...])) ?? waiting.count)
      }
      guard watched.revents & Int16(POLLIN | POLLHUP | POLLERR) != 0 else { continue }
      var chunk: [UInt8] = []
      do throws(SystemError) {
        guard let count = try System.read(socket, into: &chunk, limit: 65536) else { continue }
        if count == 0 { return false }
      } catch {
        return false
      }
      framer.append(chunk)
      while let item = framer.next() {
        guard case .line(let line) = item else { throw Violation("the agent sends an overlong line") }
        let message: Value
        do throws(Diagnostic) { message = try JSON.decode(line) } catch {
          throw Violation("the agent sends a line that is not JSON: \(error)")
        }
        if try take(message) { return true }
        if let id = message["id"], message["method"] != nil { answer(id, message) }
      }
    }
  }

  private func answer(_ id: Value, _ message: Value) {
    let outcome: (String, Value) =
      switch message["method"]?.string {
      case "getSensorData": ("result", ["value": 21.5, "unit": "°C", "time": 5, "quality": "good"])
      case "getCameraFrame": ("result", ["grey": "AAECAw=="])
      case "controlActuator": ("error", ["code": -32022, "message": "it is held", "data": ["retry_after_ms": 5]])
      case "emit": ("result", ["id": "01J00000000000000000000000"])
      default: ("result", ["value": 1])
      }
    waiting += JSON.encode(.map(["jsonrpc": "2.0", "id": id, outcome.0: outcome.1])) + [10]
  }

  func end() throws -> Int32 {
    close(socket)
    socket = -1
    return try Spawn.wait(for: pid)
  }

  deinit {
    guard socket >= 0 else { return }
    close(socket)
    kill(pid, SIGKILL)
    _ = try? Spawn.wait(for: pid)
  }
}
