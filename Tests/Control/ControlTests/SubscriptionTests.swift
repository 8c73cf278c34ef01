import Model
import Testing

@testable import Control

@Suite struct SubscriptionTests {
  @Test func matchingEventsAreSent() throws {
    let harness = try Harness()
    let client = try harness.connect()
    harness.events.publish("git:old", from: "system")
    let number = try client.call("events.subscribe", ["pattern": "git:*", "last": 5]).get()["subscription"]
    harness.events.publish("other:event", from: "system")
    harness.events.publish("git:new", from: "system", ["branch": "main"])
    let events = try client.notifications("events.event", 2)
    #expect(events.map { $0["event"]?["type"] } == ["git:old", "git:new"])
    #expect(events.allSatisfy { $0["subscription"] == number })
    #expect(try client.call("events.unsubscribe", ["subscription": number ?? 0]).get() == ["subscription": number ?? 0])
    #expect(harness.events.listening == 0)
    #expect(try client.refusal("events.unsubscribe", ["subscription": 1])?.known == .notFound)
  }

  @Test func theUpstreamBridgeUsesItsOwnForm() throws {
    let harness = try Harness()
    let client = try harness.connect()
    try client.send(#"{"id":1,"method":"eventbridge.subscribe","params":{"event":"git:*"}}"#)
    #expect(try client.next()?["result"] == ["subscription": 1])
    try client.send(#"{"id":2,"method":"eventbridge.publish","params":{"event":"git:pushed","data":{"a":1}}}"#)
    let first = try client.next()
    let second = try client.next()
    let message = try #require([first, second].compactMap { $0 }.first { $0["event"] != nil })
    #expect(message["event"] == "git:pushed")
    #expect(message["data"]?["payload"] == ["a": 1])
    #expect(message["jsonrpc"] == nil)
  }

  @Test func logsAreFollowed() throws {
    let harness = try Harness()
    let client = try harness.connect()
    _ = try client.call("agent.followLogs", ["agent": "climate", "last": 2]).get()
    harness.agents.log("idle", "not this one")
    harness.agents.log("climate", "hello")
    let lines = try client.notifications("agent.log", 3)
    #expect(lines.map { $0["line"]?["message"] } == ["old 0", "old 1", "hello"])
    #expect(try client.refusal("agent.followLogs", ["agent": "nobody"])?.known == .agentNotFound)
    client.close()
    harness.settle()
    #expect(harness.agents.following == 0)
  }

  @Test func aSlowClientsGapIsReportedAndItsMemoryIsBounded() throws {
    let harness = try Harness()
    let client = try harness.connect()
    _ = try client.call("events.subscribe").get()
    let count = 20_000
    for index in 0..<count {
      harness.events.publish("test:event", from: "system", ["n": .int(Int64(index))])
      if index % 100 == 0 { harness.loop.turn(wait: false) }
      #expect(harness.server.waiting <= Limits().waiting)
    }
    #expect(harness.server.status.missed > 0)
    var received = 0
    var missed = 0
    var expected: Int64 = 0
    while received + missed < count {
      let message = try #require(try client.next())
      switch message["method"] {
      case "events.event":
        // Events arrive in order, and every gap is reported.
        #expect(message["params"]?["event"]?["payload"]?["n"] == .int(expected))
        received += 1
        expected += 1
      case "events.missed":
        let number = try #require(message["params"]?["missed"]?.int)
        missed += Int(number)
        expected += number
      default: Issue.record("unexpected \(message)")
      }
    }
    #expect(missed == Int(harness.server.status.missed))
    #expect(received > 0 && missed > 0)
    // After that, events arrive without gaps.
    harness.events.publish("test:last", from: "system")
    #expect(try client.notifications("events.event", 1).first?["event"]?["type"] == "test:last")
  }

  @Test func subscriptionsAreBounded() throws {
    let client = try Harness().connect()
    for _ in 0..<16 { _ = try client.call("events.subscribe", ["pattern": "a:b"]).get() }
    #expect(try client.refusal("events.subscribe")?.known == .rateLimited)
  }

  @Test func subscriptionsEndWithTheirConnection() throws {
    let harness = try Harness()
    let client = try harness.connect()
    _ = try client.call("events.subscribe").get()
    _ = try client.call("events.subscribe", ["pattern": "sensor:temperature"]).get()
    #expect(harness.hardware.device("temperature")?.watchers == 1)
    client.close()
    harness.settle()
    #expect(harness.events.listening == 0)
    #expect(harness.hardware.device("temperature")?.watchers == 0)
  }

  @Test func followingASensorKeepsItMeasuring() throws {
    let harness = try Harness()
    let client = try harness.connect()
    _ = try client.call("events.subscribe", ["pattern": "sensor:temperature"]).get()
    harness.clock.advance(by: .seconds(2))
    #expect(try client.notifications("events.event", 1).first?["event"]?["source"] == "temperature")
  }
}
