import CLinux
import Glibc
import Model
import TestKit
import Testing

/// The daemon's view of a process agent: docs/process-abi.md.
@Suite struct ProcessTests {
  private static let cold = Event(
    id: ULID(high: 1, low: 1), type: "sensor:temperature", payload: ["value": 15.5])

  /// An agent that has sent `ready`.
  private func start() throws -> ProcessBench {
    let bench = try ProcessBench("thermostat")
    #expect(try bench.receive() == ["jsonrpc": "2.0", "method": "ready", "params": ["abi": 1]])
    return bench
  }

  private func error(_ message: Value?) -> Int64? { message?["error"]?["code"]?.int }

  @Test func agentMakesCallsAndAnswersRequests() throws {
    let bench = try start()
    let id = try bench.request("activate", ["event": Self.cold.text])
    let call = try bench.receive()
    #expect(call?["method"] == "controlActuator")
    #expect(call?["params"] == ["id": "heater", "command": "on", "lease_ms": 600_000])
    // Requests that arrive while the agent waits for an answer are handled after the answer.
    let snapshot = try bench.request("snapshot")
    try bench.send(#"{"jsonrpc":"2.0","id":99,"result":{}}"#)
    try bench.send(
      #"{"jsonrpc":"2.0","id":\#(call?["id"]?.int ?? 0),"result":{"id":"\#(ULID(high: 1, low: 2))","state":1,"previous":0,"at":5}}"#
    )
    #expect(try bench.receive()?["method"] == "log")
    let emit = try bench.receive()
    #expect(emit?["method"] == "emit" && emit?["params"]?["payload"] == ["heating": true, "temperature": 15.5])
    try bench.send(#"{"id":\#(emit?["id"]?.int ?? 0),"error":{"code":-32021,"message":"not granted"}}"#)
    let answer = try bench.receive()
    #expect(answer?["id"]?.int == id && error(answer) == -32021)
    #expect(answer?["error"]?["message"] == "not granted")
    let told = try bench.receive()
    #expect(told?["id"]?.int == snapshot && told?["result"]?["snapshot"]?["heating"] == true)
    let stop = try bench.request("stop")
    #expect(try bench.receive()?["id"]?.int == stop)
    #expect(try bench.exitCode() == 0)
  }

  @Test func agentSurvivesInvalidMessages() throws {
    let bench = try start()
    for (line, code) in [
      ("{", -32700), ("\u{1}", -32700), ("{\"a\":1,\"a\":2}", -32700), (String(repeating: "[", count: 100), -32700),
      ("[]", -32600), ("5", -32600), ("{\"id\":7}", -32600), ("{\"id\":7,\"method\":5}", -32600),
      ("{\"id\":7,\"method\":\"dance\"}", -32601), ("{\"id\":7,\"method\":\"activate\"}", -32024),
      ("{\"id\":7,\"method\":\"activate\",\"params\":{\"event\":{\"id\":\"x\"}}}", -32024),
    ] as [(String, Int64)] {
      try bench.send(line)
      #expect(error(try bench.receive()) == code, "\(line)")
    }
    try bench.send(bytes: [0xFF, 0xFE, 10])
    #expect(error(try bench.receive()) == -32700)
    // Not answered: empty lines, unexpected answers, notifications.
    try bench.send("\n\n{\"id\":12,\"result\":{}}\n{\"method\":\"dance\"}")
    try bench.send("{\"id\":\"text\",\"method\":\"snapshot\"}")
    #expect(try bench.receive()?["id"] == "text")
  }

  @Test func overlongLineIsRefusedAndSkipped() throws {
    let bench = try start()
    let long = [UInt8](repeating: UInt8(ascii: " "), count: 1 << 20)
    // A line of the maximum length; blanks are not JSON.
    try bench.send(bytes: long + [10])
    #expect(error(try bench.receive()) == -32700)
    for _ in 0..<3 { try bench.send(bytes: long) }
    try bench.send("{}")
    #expect(error(try bench.receive()) == -32600)
    let id = try bench.request("snapshot")
    #expect(try bench.receive()?["id"]?.int == id)
  }

  @Test func agentExitsWhenTheDaemonIsGone() throws {
    let idle = try start()
    idle.hangUp()
    #expect(try idle.exitCode() == 0)
    // During a call, too.
    let busy = try start()
    _ = try busy.request("activate", ["event": Self.cold.text])
    #expect(try busy.receive()?["method"] == "controlActuator")
    busy.hangUp()
    #expect(try busy.exitCode() == 0)
    // And after half a line.
    let half = try start()
    try half.send(bytes: Array("{\"id\":1".utf8))
    half.hangUp()
    #expect(try half.exitCode() == 0)
  }

  @Test func agentWithoutADaemonReportsAnError() throws {
    let bench = try ProcessBench("thermostat", hasSocket: false)
    #expect(try bench.exitCode() == 64)
  }

  @Test func agentSurvivesRandomBytes() throws {
    let bench = try start()
    var dice = SeededGenerator(5)
    let pieces = ["{", "}", "\"id\":1", "\"method\"", ":", "\"activate\"", ",", "\n", "null", "\u{0}", "[", "9"]
    for _ in 0..<150 {
      var line: [UInt8] = []
      for _ in 0..<20 { line += Array(pieces.randomElement(using: &dice)!.utf8) }
      try bench.send(bytes: line + [10])
      // Read its answers, so that a full socket cannot block both sides.
      let id = try bench.request("snapshot")
      while let message = try bench.receive(), message["id"]?.int != id { #expect(error(message) != nil) }
    }
  }
}
