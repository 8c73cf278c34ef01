import HAL
import Model
import RPC
import Testing

@testable import Control

/// `approvals.list`, `wait`, `approve` and `deny`.
@Suite struct ApprovalMethodTests {
  private static let board = Board(
    name: "test", backend: .simulated,
    devices: [
      Device(
        id: "valve",
        kind: .actuator(ActuatorSettings(lease: .seconds(60), approval: ApprovalSettings(.required))),
        driver: "simulated"),
      Device(id: "key", kind: .input(InputSettings()), driver: "simulated"),
      Device(
        id: "gate",
        kind: .actuator(
          ActuatorSettings(
            lease: .seconds(600), approval: ApprovalSettings(.required, time: .seconds(600), input: "key"))),
        driver: "simulated"),
    ])

  /// A server, somebody who may operate (uid 7), and root, who may approve.
  private func station() throws -> (harness: Harness, bob: TestClient, root: TestClient) {
    let harness = try Harness(board: Self.board)
    let bob = try harness.connect(as: 7)
    return (harness, bob, try harness.connect(as: 0, role: .admin))
  }

  /// The id of what a command waits for.
  private func ask(_ client: TestClient, _ more: Fields = [:]) throws -> Value {
    var params: Fields = ["device": "valve", "command": "on"]
    for (name, value) in more { params[name] = value }
    let refusal = try #require(try client.refusal("hal.control", params))
    #expect(refusal.known == .approvalNeeded && refusal.data["state"] == "waiting", "\(refusal)")
    return try #require(refusal.data["approval"])
  }

  @Test func whoAsksWaitsAndIsTold() throws {
    let (harness, bob, root) = try station()
    let id = try ask(bob, ["reason": "it is dry", "lease_ms": 5000, "hold": true])
    let list = try #require(try root.call("approvals.list").get()["approvals"]?.list)
    #expect(list.count == 1 && list[0]["approval"] == id && list[0]["reason"] == "it is dry")
    #expect(list[0]["expires_ms"] == 120_000 && list[0]["asker"]?.string?.hasPrefix("client/") == true)
    // Whoever asks does not decide.
    #expect(try bob.refusal("approvals.approve", ["approval": id])?.known == .permissionDenied)
    #expect(try bob.refusal("approvals.deny", ["approval": id])?.known == .permissionDenied)
    #expect(try bob.call("approvals.wait", ["approval": id, "wait_ms": 0]).get()["state"] == "waiting")
    try bob.send(Request(id: .number(50), method: "approvals.wait", params: ["approval": id]).encoded())
    harness.settle()
    let receipt = try root.call("approvals.approve", ["approval": id]).get()
    #expect(receipt["state"]?.double == 1 && receipt["lease_ms"] == 5000)
    let told = try bob.next()?["result"]
    #expect(told?["state"] == "approved" && told?["receipt"]?["state"]?.double == 1 && told?["by"] == "client/root")
    // It outlives the connection, as asked.
    bob.close()
    harness.settle()
    #expect(harness.hardware.device("valve")?.holder != nil)
    #expect(try root.refusal("approvals.approve", ["approval": id])?.known == .notFound)
  }

  @Test func aDenialSaysWhy() throws {
    let (_, bob, root) = try station()
    let id = try ask(bob)
    _ = try root.call("approvals.deny", ["approval": id, "why": "it rains"]).get()
    let decided = try bob.call("approvals.wait", ["approval": id]).get()
    #expect(decided["state"] == "denied" && decided["why"] == "it rains")
    #expect(try bob.refusal("hal.control", ["device": "valve", "command": "on"])?.known == .deviceLimited)
    #expect(try bob.refusal("approvals.wait", ["approval": "01J00000000000000000000000"])?.known == .notFound)
  }

  @Test func theTimeOfAWaitIsBounded() throws {
    let (harness, bob, _) = try station()
    let id = try ask(bob)
    try bob.send(
      Request(id: .number(50), method: "approvals.wait", params: ["approval": id, "wait_ms": 1000]).encoded())
    harness.settle()
    harness.clock.advance(by: .seconds(1))
    #expect(try bob.next()?["result"]?["state"] == "waiting")
    try bob.send(Request(id: .number(51), method: "approvals.wait", params: ["approval": id]).encoded())
    harness.settle()
    harness.clock.advance(by: .seconds(25))
    harness.clock.advance(by: .seconds(4))
    // The 30 s of the call are not over; those of the approval are later.
    harness.clock.advance(by: .seconds(1))
    #expect(try bob.next()?["result"]?["state"] == "waiting")
  }

  @Test func whatAConnectionAsksForEndsWithIt() throws {
    let (harness, bob, root) = try station()
    let id = try ask(bob)
    bob.close()
    harness.turn { harness.hardware.approvals.all.last?.state.name == "void" }
    #expect(try root.refusal("approvals.approve", ["approval": id])?.known == .notFound)
    #expect(harness.hardware.device("valve")?.holder == nil)
  }

  @Test func aProgramKnowsOnlyOfItsOwnAndItsLeaseEndsWithIt() throws {
    let (harness, bob, root) = try station()
    let id = try ask(bob)
    let program = try harness.connect(as: 8)
    _ = try program.call("session.restrict", ["devices": ["valve"]]).get()
    #expect(try program.call("approvals.list").get()["approvals"] == [])
    #expect(try program.refusal("approvals.wait", ["approval": id])?.known == .notFound)
    _ = try root.call("approvals.deny", ["approval": id]).get()
    let own = try ask(program, ["lease_ms": 600_000])
    #expect(try program.call("approvals.list").get()["approvals"]?.list?.count == 1)
    let heard = try program.call("events.list", ["pattern": "approval:*"]).get()["events"]?.list ?? []
    #expect(!heard.isEmpty && heard.allSatisfy { $0["payload"]?["asker"]?.string?.hasPrefix("mcp/") == true })
    // The program's own user may not approve it, if it is an approver.
    let same = try harness.connect(as: 0, role: .admin)
    _ = try same.call("session.restrict").get()
    #expect(try same.refusal("approvals.approve", ["approval": own])?.known == .permissionDenied)
    _ = try root.call("approvals.approve", ["approval": own, "for_ms": 60_000]).get()
    #expect(harness.hardware.device("valve")?.holder?.hasPrefix("mcp/") == true)
    program.close()
    harness.turn { harness.hardware.device("valve")?.holder == nil }
  }

  @Test func whatAKeyApprovesEndsWithItsSession() throws {
    let (harness, bob, _) = try station()
    _ = try bob.call("session.restrict").get()
    #expect(try bob.refusal("hal.control", ["device": "gate", "command": "on"])?.known == .approvalNeeded)
    // A connection that waits for a person is not idle.
    for _ in 0..<13 {
      harness.clock.advance(by: .seconds(10))
      harness.settle()
    }
    #expect(harness.hardware.approvals.all.last?.isWaiting == true)
    try harness.simulation.inject("key", ["active": true])
    #expect(harness.hardware.device("gate")?.holder?.hasPrefix("mcp/") == true)
    bob.close()
    harness.turn { harness.hardware.device("gate")?.holder == nil }
  }

  @Test func whoWaitsForAPersonIsNoProgramYet() throws {
    let (_, bob, _) = try station()
    _ = try ask(bob)
    #expect(try bob.refusal("session.restrict")?.known == .permissionDenied)
  }

  @Test func approversWaitForNobody() throws {
    let (harness, _, root) = try station()
    #expect(try root.call("hal.control", ["device": "valve", "command": "on"]).get()["state"]?.double == 1)
    #expect(harness.events.all.allSatisfy { !$0.type.hasPrefix("approval:") })
  }
}
