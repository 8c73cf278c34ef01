import Glibc
import Linux
import Model
import RPC
import TestKit
import Testing
import Wire

@testable import Control

@Suite struct LimitTests {
  private func error(_ fields: Fields?) -> RPCError? { fields?["error"].flatMap(RPCError.init) }

  @Test func aRequestMayArriveByteByByte() throws {
    let harness = try Harness()
    let client = try harness.connect()
    for byte in Array(#"{"id":1,"method":"agent.ping"}"#.utf8) + [10] {
      try client.send([byte])
      harness.loop.turn(wait: false)
    }
    #expect(try client.next()?["result"] == ["pong": true])
  }

  @Test func manyRequestsMayArriveAtOnce() throws {
    let client = try Harness().connect()
    try client.send((0..<50).map { #"{"id":\#($0),"method":"agent.ping"}"# }.joined(separator: "\n"))
    for index in 0..<50 { #expect(try client.next()?["id"] == .int(Int64(index))) }
  }

  @Test func tenMegabytesWithoutALineFeedAreRefusedOnce() throws {
    let harness = try Harness()
    let client = try harness.connect()
    let chunk = [UInt8](repeating: UInt8(ascii: "x"), count: 65536)
    var sent = 0
    var most = 0
    // The server closes the connection; further sends fail with an error of the client's kernel.
    while sent < 10 << 20, let count = try? client.send(chunk) {
      sent += count
      harness.loop.turn(wait: false)
      most = max(most, harness.server.incomplete)
    }
    #expect(error(try client.next())?.known == .invalidRequest)
    #expect(try client.next() == nil)
    #expect(most <= LineFramer.limit + 16384)
    #expect(try harness.connect().call("agent.ping").get() == ["pong": true])
  }

  @Test(arguments: [[0xFF], [0], [0xC3, 0x28]] as [[UInt8]]) func bytesThatAreNotTextAreRefused(bytes: [UInt8]) throws {
    let client = try Harness().connect()
    try client.send(Array(#"{"id":1,"method":""#.utf8) + bytes + Array("\"}\n".utf8))
    #expect(error(try client.next())?.known == .parseError)
    #expect(try client.call("agent.ping").get() == ["pong": true])
  }

  /// For every parameter: one pattern of a letter with 300,000 combining marks once blocked the loop for 13 s, and 256
  /// long patterns took 263 MiB.
  @Test func longNamesAreRefusedEverywhere() throws {
    let harness = try Harness()
    let client = try harness.connect()
    // The most that a socket accepts at once here.
    let name = "a" + String(repeating: "\u{301}", count: 30_000)
    var tried = 0
    for method in ControlMethods.table.all {
      for parameter in method.parameters {
        let reason: String
        let bound: Int
        switch parameter.expected {
        case "text of at most 128 bytes": (bound, reason) = (128, "of at most 128 bytes")
        case "an event id of 26 characters": (bound, reason) = (26, "an event id of 26 characters")
        case let expected where expected.contains("of at most 4096 bytes"):
          (bound, reason) = (4096, "of at most 4096 bytes")
        default: continue
        }
        // Start a new second, so that the rate limit does not apply.
        harness.clock.advance(by: .seconds(1))
        for text in [name, String(repeating: "x", count: bound + 1)] {
          let refusal = try client.refusal(method.name, [parameter.name: .string(text)])
          #expect(refusal?.known == .invalidParams, "\(method.name) \(parameter.name)")
          #expect(refusal?.message.contains(reason) == true, "\(String(describing: refusal))")
        }
        tried += 1
      }
    }
    #expect(tried > 30)
    #expect(harness.events.all.isEmpty)
    // The names of methods and parameters, and commands, are untrusted input too.
    #expect(try client.refusal(name)?.message.utf8.count ?? 9999 < 200)
    #expect(try client.refusal("agent.status", [name: 1])?.message.utf8.count ?? 9999 < 200)
    #expect(
      try client.refusal("hal.control", ["device": "fan", "command": .string("o\(name)")])?.known == .invalidParams)
    // An emergency stop is accepted with any reason.
    #expect(try client.call("hal.emergencyStop", ["reason": .string(name)]).get()["stopped"] == true)
  }

  @Test func aBatchIsRefusedAndTheConnectionGoesOn() throws {
    let client = try Harness().connect()
    try client.send(#"[{"id":1,"method":"agent.ping"}]"#)
    let refusal = error(try client.next())
    #expect(refusal?.known == .invalidRequest)
    #expect(refusal?.hint == "send one request a line")
    #expect(try client.call("agent.ping").get() == ["pong": true])
  }

  @Test func halfARequestAndTheEndIsAnError() throws {
    let harness = try Harness()
    let client = try harness.connect()
    try client.send(Array(#"{"id":1,"method":"agent.pi"#.utf8))
    _ = shutdown(client.number, Int32(SHUT_WR))
    #expect(error(try client.next())?.known == .invalidRequest)
    #expect(try client.next() == nil)
    harness.settle()
    #expect(harness.server.status.connections == 0)
  }

  @Test func requestsBeforeTheEndAreAnswered() throws {
    let client = try Harness().connect()
    try client.send(#"{"id":1,"method":"agent.ping"}"#)
    _ = shutdown(client.number, Int32(SHUT_WR))
    #expect(try client.next()?["result"] == ["pong": true])
    #expect(try client.next() == nil)
  }

  @Test func requestsOfAClosedClientAreCarriedOut() throws {
    let harness = try Harness()
    let client = try harness.connect()
    try client.send(#"{"id":1,"method":"events.emit","params":{"type":"git:pushed"}}"#)
    client.close()
    harness.turn { harness.events.total == 1 }
    harness.settle()
    #expect(harness.server.status.connections == 0)
  }

  @Test func anIncompleteLineTimesOut() throws {
    let harness = try Harness()
    let client = try harness.connect()
    try client.send([UInt8(ascii: "{")])
    harness.settle()
    harness.clock.advance(by: .seconds(29))
    #expect(harness.server.status.connections == 1)
    harness.clock.advance(by: .seconds(2))
    #expect(error(try client.next())?.message == "a line did not end within 30s")
    #expect(try client.next() == nil)
  }

  @Test func moreThanAHundredRequestsASecondAreRefused() throws {
    let harness = try Harness()
    let client = try harness.connect()
    for _ in 0..<100 { #expect(try client.call("agent.ping").get() == ["pong": true]) }
    let refusal = try client.refusal("agent.ping")
    #expect(refusal?.known == .rateLimited)
    #expect(refusal?.data["retry_after_ms"] == 11)
    // Another connection of the same user shares the limit.
    let other = try harness.connect()
    #expect(try other.refusal("agent.ping")?.known == .rateLimited)
    client.close()
    harness.settle()
    #expect(try harness.connect().refusal("agent.ping")?.known == .rateLimited)
    harness.clock.advance(by: .milliseconds(10))
    #expect(try other.call("agent.ping").get() == ["pong": true])
    #expect(try other.refusal("agent.ping")?.known == .rateLimited)
  }

  @Test func aFloodIsNotEvenRead() throws {
    let harness = try Harness()
    let client = try harness.connect()
    let line = Array("{\"id\":1,\"method\":\"agent.ping\"}\n".utf8)
    let flood = [UInt8]((0..<2000).flatMap { _ in line })
    try client.send(flood)
    harness.settle()
    let handled = harness.server.status.requests
    #expect(handled <= 202)
    harness.settle()
    #expect(harness.server.status.requests == handled)
    harness.clock.advance(by: .milliseconds(200))
    harness.settle()
    #expect(harness.server.status.requests > handled)
  }

  @Test func incompleteLinesOfAllTogetherAreBounded() throws {
    var limits = Limits()
    limits.incomplete = 300_000
    let harness = try Harness(limits: limits)
    let clients = try (0..<4).map { _ in try harness.connect() }
    let chunk = [UInt8](repeating: UInt8(ascii: "x"), count: 4096)
    for _ in 0..<40 {
      for client in clients { _ = try? client.send(chunk) }
      harness.settle()
      #expect(harness.server.incomplete <= 300_000 + 4 * 65536)
    }
    #expect(harness.server.status.connections < 4)
  }

  @Test func aClientThatDoesNotReadIsNotReadFrom() throws {
    var limits = Limits()
    limits.requests = 1_000_000
    let harness = try Harness(limits: limits)
    for index in 0..<500 {
      harness.events.publish("test:event", from: "system", ["n": .int(Int64(index)), "text": "some more words"])
    }
    let client = try harness.connect()
    let line = Array("{\"id\":1,\"method\":\"events.list\",\"params\":{\"last\":500}}\n".utf8)
    var asked = 0
    for _ in 0..<1000 {
      asked += (try client.send(line)) == line.count ? 1 : 0
      harness.loop.turn(wait: false)
      // The queue may exceed the limit by one answer, because the limit is checked when the request is read.
      #expect(harness.server.waiting <= limits.waiting + LineFramer.limit)
    }
    let handled = harness.server.status.requests
    #expect(handled < UInt64(asked))
    for _ in 0..<20 { #expect(try client.next()?["result"]?["events"]?.list?.count == 500) }
    #expect(harness.server.status.requests > handled)
  }

  @Test(arguments: 0..<4 as Range<UInt64>) func noiseDoesNotAffectOtherClients(seed: UInt64) throws {
    var random = SeededGenerator(seed)
    let harness = try Harness()
    let good = try harness.connect()
    for _ in 0..<5 {
      let client = try harness.connect()
      for _ in 0..<12 {
        let noise = (0..<Int.random(in: 1...400, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
        guard (try? client.send(noise)) != nil else { break }
        harness.loop.turn(wait: false)
      }
      client.close()
      harness.settle()
      #expect(try good.call("agent.ping").get() == ["pong": true])
    }
    #expect(harness.server.status.connections == 1)
  }
}
