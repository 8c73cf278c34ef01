import HAL
import HALTestKit
import Model
import OpenStarryAgent
import Testing

@testable import Orchestrator

/// Agents whose commands wait for a person.
@Suite struct ApprovalTests {
  private func world() throws -> World {
    let world = World([
      .actuator("fan", ActuatorSettings(approval: ApprovalSettings(.required))), .sensor("temperature"),
    ])
    // It names no event of approvals.
    try world.adopt(doer("climate") { $0.subscribe = [EventPattern("do:*")] })
    world.emit("do:on")
    world.settle()
    return world
  }

  private func waiting(_ world: World) throws -> ULID {
    try #require(world.hardware.approvals.all.last { $0.isWaiting }).id
  }

  private func heard(_ world: World) throws -> [String] {
    try world.agents.logs("climate", last: 20).map(\.message)
  }

  @Test func theAgentIsRefusedAndHearsWhatBecameOfIt() throws {
    let world = try world()
    let status = try world.agents.agentStatus("climate")
    #expect(status.refusals == 1 && status.failures == 0 && status.lastRefusal?.hasPrefix("waiting: ") == true)
    _ = try world.hardware.approve(try waiting(world), by: "client/ada", user: 1)
    world.settle()
    #expect(try heard(world).last?.hasSuffix("approval:granted") == true)
    #expect(world.level("fan") == 1 && world.hardware.device("fan")?.holder == "agent/climate")
    // The chain leads from the agent's event over the person to the output.
    let change = try #require(world.of("device:changed").last)
    #expect(world.log.chain(to: change.id).map(\.type).contains("approval:granted"))
    #expect(world.log.chain(to: change.id).first?.type == "do:on")
  }

  @Test func aDenialAndTheEndOfTheTimeAreHeard() throws {
    var world = try world()
    try world.hardware.deny(try waiting(world), by: "client/ada", why: nil)
    world.settle()
    #expect(try heard(world).last?.hasSuffix("approval:denied") == true)
    world = try self.world()
    world.wait(.seconds(121))
    #expect(try heard(world).last?.hasSuffix("approval:expired") == true)
  }

  @Test func whatAnAgentAsksForEndsWithIt() throws {
    let world = try world()
    let id = try waiting(world)
    try world.agents.killAgent("climate", now: true, cause: nil) {}
    world.settle()
    #expect(world.hardware.approvals.all.last { $0.id == id }?.state == .void("agent/climate has ended"))
    // It is not started again to hear that.
    #expect(try world.agents.agentStatus("climate").started == nil)
  }

  @Test func rulesWaitForNobodyAndOtherRulesEndWhatWaits() throws {
    let world = try world()
    let id = try waiting(world)
    try world.load(rule("hot", on: [EventPattern("x:hot")], .actuate("fan", .on, lease: nil)))
    #expect(world.hardware.approvals.all.last { $0.id == id }?.isWaiting == false)
    world.emit("x:hot")
    world.settle()
    #expect(world.level("fan") == 1 && world.hardware.device("fan")?.holder == "rule/hot")
  }
}
