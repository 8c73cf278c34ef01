import Glibc
import Model
import RPC
import TestKit
import Testing

@testable import Control

/// Every request is answered exactly once, and leaves no state behind.
@Suite struct AnswerTests {
  /// Values of every JSON type, including edge cases.
  private static let confused: [Value] = [
    .null, true, -1, 0, 1e300, "", "nobody", .string(String(repeating: "x", count: 300)), [], [1, "a"], [:],
    ["value": [:]],
  ]

  @Test func everyMethodAnswersExactlyOnce() throws {
    var limits = Limits()
    limits.requests = 1_000_000
    limits.subscriptions = 1_000_000
    let methods = ControlMethods.table.all
    for method in methods where method.name != "daemon.stop" {
      let harness = try Harness(limits: limits)
      let client = try harness.connect()
      var asked: Int64 = 0
      func ask(_ params: Fields) throws {
        asked += 1
        try client.send(Request(id: .number(asked), method: method.name, params: params).encoded())
        harness.settle()
      }
      try ask([:])
      for value in Self.confused {
        var all = Fields()
        for parameter in method.parameters {
          all[parameter.name] = value
          try ask([parameter.name: value])
        }
        try ask(all)
      }
      // Requests that wait for an agent's end or for a picture.
      harness.agents.finishEnding()
      for _ in 0..<10 { harness.clock.advance(by: .seconds(1)) }
      harness.settle()
      #expect(harness.server.connections.values.first?.underWay == 0, "\(method.name)")
      client.shutDown()
      var answers: [Int64: Int] = [:]
      while let fields = try client.next() { if let id = fields["id"]?.int { answers[id, default: 0] += 1 } }
      #expect(answers.count == Int(asked) && answers.values.allSatisfy { $0 == 1 }, "\(method.name)")
    }
  }

  @Test func aStreamThatCannotStartIsRefusedOnce() throws {
    let harness = try Harness(role: .view)
    let client = try harness.connect()
    for device in ["cam1", "fan"] {
      #expect(try client.refusal("getCameraStream", ["device": .string(device)])?.known == .deviceNotFound)
    }
    #expect(try client.refusal("getCameraStream", ["device": "cam0", "rate": -1])?.known == .deviceInvalid)
    #expect(try client.call("agent.ping").get() == ["pong": true])
    client.close()
    harness.settle()
    #expect(harness.server.status.connections == 0)
  }

  @Test func anAbandonedRequestIsAnswered() throws {
    let harness = try Harness()
    let client = try harness.connect()
    try client.send(#"{"id":7,"method":"killAgent","params":{"agent":"climate"}}"#)
    harness.settle()
    harness.agents.forgetEnding()
    let answer = try client.next()
    #expect(answer?["id"] == 7)
    #expect(answer?["error"].flatMap(RPCError.init)?.message == "'killAgent' ended without an answer")
    #expect(harness.server.connections.values.first?.underWay == 0)
  }
}
