import Model
import RPC
import TestKit
import Testing
import Wire

@testable import Control

/// Connections of other users lock nobody out, least of all an emergency stop.
@Suite struct ReserveTests {
  private func error(_ fields: Fields?) -> RPCError? { fields?["error"].flatMap(RPCError.init) }

  private func fill(_ harness: Harness, _ count: Int, as uid: UInt32, role: Role = .operate) throws -> [TestClient] {
    try (0..<count).map { _ in try harness.connect(as: uid, role: role) }
  }

  // MARK: Idle connections

  @Test func anIdleConnectionEnds() throws {
    let harness = try Harness()
    let client = try harness.connect()
    #expect(try client.call("agent.ping").get() == ["pong": true])
    harness.clock.advance(by: Limits().idleTime - .milliseconds(1))
    #expect(harness.server.status.connections == 1)
    // Any request restarts the idle time.
    #expect(try client.call("agent.ping").get() == ["pong": true])
    harness.clock.advance(by: Limits().idleTime - .milliseconds(1))
    #expect(harness.server.status.connections == 1)
    harness.clock.advance(by: .milliseconds(1))
    #expect(error(try client.next())?.message == "the connection was idle for 2m")
    #expect(try client.next() == nil)
    #expect(harness.server.status.connections == 0)
    #expect(harness.clock.waiting == 0)
  }

  @Test func aConnectionThatIsUsedStays() throws {
    let harness = try Harness()
    harness.clock.advance(by: .seconds(10))
    let follower = try harness.connect()
    _ = try follower.call("events.subscribe", ["pattern": "a:b"]).get()
    let holder = try harness.connect()
    _ = try holder.call("hal.control", ["device": "lamp", "command": "on", "lease_ms": 600_000, "hold": false]).get()
    let waiter = try harness.connect()
    try waiter.send(#"{"id":7,"method":"killAgent","params":{"agent":"climate"}}"#)
    harness.settle()
    for _ in 0..<4 { harness.clock.advance(by: Limits().idleTime) }
    #expect(harness.server.status.connections == 3)
    // The idle time starts when the use ends.
    _ = try follower.call("events.unsubscribe", ["subscription": 1]).get()
    harness.agents.finishEnding()
    #expect(try waiter.next()?["id"] == 7)
    for _ in 0..<3 { harness.clock.advance(by: Limits().idleTime) }
    harness.settle()
    #expect(harness.server.status.connections == 0)
    #expect(harness.hardware.device("lamp")?.holder == nil)
  }

  @Test func aClientThatDoesNotReadIsClosedAnyway() throws {
    var limits = Limits()
    limits.requests = 1_000_000
    let harness = try Harness(limits: limits)
    for index in 0..<500 {
      harness.events.publish("test:event", from: "system", ["n": .int(Int64(index)), "text": "some more words"])
    }
    let client = try harness.connect()
    for _ in 0..<20 { try client.send(#"{"id":1,"method":"events.list","params":{"last":500}}"#) }
    harness.settle()
    #expect(harness.server.waiting > 0)
    for _ in 0..<3 { harness.clock.advance(by: limits.idleTime) }
    #expect(harness.server.status.connections == 0 && harness.server.waiting == 0)
  }

  // MARK: Shares

  @Test func oneUserTakesAShareAndNoMore() throws {
    let harness = try Harness()
    let greedy = try fill(harness, 8, as: 70_001)
    let more = try harness.connect(as: 70_001)
    #expect(try more.refusal("agent.ping")?.known == .rateLimited)
    #expect(try more.next() == nil)
    #expect(try harness.connect(as: 70_002).call("agent.ping").get() == ["pong": true])
    greedy[0].close()
    harness.settle()
    #expect(try harness.connect(as: 70_001).call("agent.ping").get() == ["pong": true])
  }

  @Test func usersAndAdminsHaveSeparateLimits() throws {
    let harness = try Harness()
    var users: [TestClient] = []
    for uid in 70_001...70_004 as ClosedRange<UInt32> { users += try fill(harness, 8, as: uid) }
    #expect(harness.server.status.connections == 32)
    #expect(try harness.connect(as: 70_005).refusal("agent.ping")?.known == .rateLimited)
    // Root may have more connections, and a leak of root's takes none from others.
    let root = try fill(harness, 16, as: 0, role: .admin)
    #expect(try root[15].call("agent.ping").get() == ["pong": true])
    #expect(try harness.connect(as: 0, role: .admin).refusal("agent.ping")?.known == .rateLimited)
    users[0].close()
    harness.settle()
    #expect(try harness.connect(as: 70_005).call("agent.ping").get() == ["pong": true])
  }

  @Test func aUsersShareIsDroppedAfterASecond() throws {
    let harness = try Harness()
    for uid in 70_001...70_050 as ClosedRange<UInt32> {
      let client = try harness.connect(as: uid)
      #expect(try client.call("agent.ping").get() == ["pong": true])
      client.close()
      harness.settle()
    }
    #expect(harness.server.shares.count == 50)
    harness.clock.advance(by: .seconds(1))
    _ = try harness.connect(as: 70_100)
    #expect(harness.server.shares.count == 1)
  }

  // MARK: The emergency stop

  @Test(arguments: [Role.operate, .admin]) func anEmergencyStopIsAcceptedWhenAllConnectionsAreTaken(role: Role) throws {
    let harness = try Harness()
    let uid: UInt32 = role == .admin ? 0 : 70_001
    let idle = try fill(harness, role == .admin ? 16 : 8, as: uid, role: role)
    let flood = Array(repeating: #"{"id":1,"method":"agent.ping"}"#, count: 150).joined(separator: "\n")
    try idle[0].send(flood)
    harness.settle()
    _ = try harness.hardware.controlActuator("fan", .on, as: .init(name: "agent/climate", permissions: .all))
    let stop = try harness.connect(as: uid, role: role)
    let result = try stop.call("hal.emergencyStop", ["reason": "smoke"]).get()
    #expect(result["stopped"] == true && result["board"] == "test")
    #expect(harness.hardware.device("fan")?.state == "off")
    // Other requests are refused.
    #expect(try stop.next() == nil)
    #expect(try harness.connect(as: uid, role: role).refusal("hal.clearEmergencyStop")?.known == .rateLimited)
  }

  @Test func viewersHaveNoReserve() throws {
    let harness = try Harness()
    let idle = try fill(harness, 8, as: 70_001, role: .view)
    let more = try harness.connect(as: 70_001, role: .view)
    #expect(error(try more.next())?.known == .rateLimited)
    #expect(try more.next() == nil)
    #expect(harness.server.status.connections == idle.count)
  }

  @Test func theReserveIsBoundedAndTimesOut() throws {
    let harness = try Harness()
    var silent: [TestClient] = []
    for uid in 70_001...70_004 as ClosedRange<UInt32> { silent += try fill(harness, 20, as: uid) }
    #expect(harness.server.connections.values.count { $0.crowding != nil } == Limits().reserve)
    for uid in 70_001...70_004 as ClosedRange<UInt32> {
      let ofUser = harness.server.connections.values.count { $0.crowding != nil && $0.client.uid == uid }
      #expect(ofUser <= Limits().reserveOfUser)
    }
    // The oldest connection was closed with the reason.
    #expect(error(try silent[8].next())?.known == .rateLimited)
    #expect(try silent[8].next() == nil)
    #expect(
      try harness.connect(as: 70_005, role: .operate).call("hal.emergencyStop").get()["stopped"] == true,
      "a fifth user, with every place and the whole reserve taken")
    harness.clock.advance(by: Limits().reserveTime)
    harness.settle()
    #expect(harness.server.connections.values.allSatisfy { $0.crowding == nil })
  }

  @Test func anEmergencyStopBypassesTheRateLimit() throws {
    let harness = try Harness()
    let client = try harness.connect()
    for _ in 0..<100 { #expect(try client.call("agent.ping").get() == ["pong": true]) }
    #expect(try client.refusal("agent.ping")?.known == .rateLimited)
    #expect(try client.call("hal.emergencyStop").get()["stopped"] == true)
  }
}
