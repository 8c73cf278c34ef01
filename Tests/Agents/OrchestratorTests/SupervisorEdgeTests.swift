import Agent
import HAL
import HALTestKit
import Model
import Testing

@testable import Orchestrator

/// Where one thing ends and another has not begun.
@Suite struct SupervisorEdgeTests {
  private let world = World()

  private func shutDown() -> Bool {
    var isDone = false
    world.agents.shutDown { isDone = true }
    world.settle()
    return isDone
  }

  @Test func nothingStartsOnceTheDaemonEnds() throws {
    try world.adopt(doer("rests") { $0.subscribe = [EventPattern("agent:*"), EventPattern("system:*")] })
    try world.adopt(doer("runs"))
    _ = try world.agents.spawnAgent("runs", cause: nil)
    #expect(shutDown())
    world.emit("system:stopping")
    world.wait(.seconds(5))
    #expect(try world.state("rests") == .idle)
    #expect(world.of("agent:activated").isEmpty)
    #expect(
      refusal { () throws(AgentControlError) in try world.agents.adopt(doer("new"), state: [:]) }
        == .cannotRun("new", "the daemon is ending"))
  }

  @Test func aOneShotReadsSensorsThatNobodyElseMeasures() throws {
    try world.adopt(doer("once") { $0.runtime.lifecycle = .oneShot })
    world.wait(.seconds(3))
    world.emit("x:y")
    try world.agents.wakeAgent("once", with: world.emit("do:read"))
    world.settle()
    #expect(world.of("agent:failed").isEmpty)
    #expect(try world.lines("once").count == 2)
  }

  @Test func theEndOfAnAgentIsBlamedOnWhoAskedForIt() throws {
    try world.adopt(doer("a"))
    try world.agents.wakeAgent("a", with: world.emit("do:on"))
    world.settle()
    let command = world.emit("client:wish")
    try world.agents.killAgent("a", now: false, cause: Cause(command)) {}
    world.settle()
    #expect(world.of("agent:stopped").last?.cause == command.id)
    #expect(world.of("device:changed").last?.cause == command.id)
    #expect(world.of("device:changed").last?["reason"] == "holder-ended")
  }

  @Test func linesOutsideOfAnActivationNameNoEvent() throws {
    try world.adopt(doer("a"))
    try world.agents.wakeAgent("a", with: world.emit("do:fail"))
    world.settle()
    let lines = try world.agents.logs("a", last: 10)
    #expect(lines.allSatisfy { $0.event != nil } && lines.count >= 2)
    world.agents.log("a", .info, "between two events")
    #expect(try world.agents.logs("a", last: 1).first?.event == nil)
  }

  @Test func aPayloadIsLimitedInBytes() throws {
    #expect(Fields([("text", .string(String(repeating: "x", count: 100)))]).weight >= 100)
    let calls = AgentCalls(
      doer("a"), hardware: world.hardware, events: world.log, clock: world.clock, files: NoFiles(),
      model: nil, state: AgentState([:]), budgets: world.agents.budgets, account: world.agents.budgets.account("a"))
    let huge = String(repeating: "x", count: PayloadLimit.bytes)
    #expect(throws: AgentError.self) { try calls.emit("x:y", ["text": .string(huge)]) }
    _ = try calls.emit("x:y", ["text": "small"])
  }

  @Test func eventsThatNobodyWaitsForCostNothingWhileTheyWait() {
    var queue = DeliveryQueue()
    let event = Event(id: ULID(high: 1, low: 1), type: "sensor:temperature", source: "temperature")
    for round in 0..<10_000 {
      let waiting: [(firing: UInt64?, done: (EventOutcome) -> Void)] =
        round == 5000 ? [(firing: .some(7), done: { _ in })] : []
      let delivery = Delivery(
        event: event, cause: Cause(event), count: 1, waiting: waiting, isWanted: waiting.isEmpty)
      #expect(queue.add(delivery).isEmpty)
    }
    // The end of the firing drops nothing that a subscriber is to see.
    #expect(queue.remove(firing: 7).isEmpty)
    let all = queue.removeAll()
    #expect(all.count == 1 && all[0].count == 10_000 && all[0].waiting.isEmpty)
  }

  @Test func aRestartedRuleLeavesNoWaiterBehind() {
    var queue = DeliveryQueue()
    let event = Event(id: ULID(high: 1, low: 1), type: "sensor:temperature", source: "temperature")
    for firing in [1, 2] as [UInt64] {
      #expect(queue.add(Delivery(event: event, cause: Cause(event), count: 1, waiting: [(firing, { _ in })])).isEmpty)
    }
    #expect(queue.remove(firing: 1).isEmpty)
    #expect(queue.removeAll().first?.waiting.map(\.firing) == [2])
  }

  @Test func timersComeBetweenTheEventsOfAStorm() throws {
    // Each event makes two, so that a chain of the greatest depth is a storm of tens of thousands.
    try world.load(
      RuleDeclaration(
        id: "left", trigger: .events([EventPattern("storm:*")]), actions: [.emit("storm:left", [])], mode: .parallel),
      RuleDeclaration(
        id: "right", trigger: .events([EventPattern("storm:*")]), actions: [.emit("storm:right", [])], mode: .parallel))
    var elapsedAt: UInt64?
    world.clock.schedule(after: .zero) { elapsedAt = world.log.total }
    world.emit("storm:begins")
    let total = world.log.total
    #expect(total > 500)
    #expect(elapsedAt.map { $0 < total } == true)
  }
}
