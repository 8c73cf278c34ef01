import Agent
import Model
import Testing

@testable import Orchestrator

/// Instances that go away without having been asked to.
@Suite struct OwnEndTests {
  private let world = World()

  /// An agent whose instance runs.
  private func run(_ change: (inout Manifest) -> Void = { _ in }) throws -> SlowInstance {
    try world.adopt(slowAgent("a", change))
    _ = try world.agents.spawnAgent("a", cause: nil)
    world.wait(.milliseconds(300))
    return try #require(world.slow.instances.last)
  }

  private var status: AgentStatus { get throws { try world.agents.agentStatus("a") } }

  private func wake() throws -> Event {
    let event = world.emit("do:something")
    try world.agents.wakeAgent("a", with: event)
    world.settle()
    return event
  }

  @Test func oneThatWaitsIsStartedAgainAndTheNextEventIsNotLost() throws {
    let first = try run()
    first.leave(.crash, "signal 11")
    #expect(try status.state == .backoff && status.lastExit == .crash && status.started == nil && status.pid == nil)
    #expect(try status.failures == 1 && status.lastError == "signal 11")
    #expect(try world.lines("a") == ["signal 11"])
    #expect(world.of("agent:failed").last?.payload["message"] == "signal 11")
    let event = try wake()
    world.wait(.seconds(2))
    let second = try #require(world.slow.instances.last)
    #expect(second !== first && second.handled == [event] && first.handled.isEmpty)
    second.finish()
    #expect(try status.activations == 1 && status.restarts == 1 && status.state == .ready)
    #expect(first.stops.isEmpty, "nobody stops what is gone")
  }

  @Test func oneThatEndsInTheMiddleOfAnEventFails() throws {
    let first = try run()
    let event = try wake()
    var isOver = false
    try world.agents.deliver(
      world.emit("do:else"), to: "a", cause: Cause(event), count: 1, firing: nil
    ) { _ in isOver = true }
    first.leave(.crash, "signal 9")
    #expect(world.of("agent:failed").last?.trace == event.trace)
    world.wait(.seconds(2))
    let second = try #require(world.slow.instances.last)
    #expect(second.handled.map(\.type) == ["do:else"], "the event that it was at is not tried again")
    second.finish()
    #expect(isOver)
    #expect(try status.failures == 1 && status.activations == 1 && status.dropped == 0)
  }

  @Test func anEventThatItHadNotBegunIsHandedToTheNext() throws {
    let first = try run()
    let event = try wake()
    _ = try wake()
    first.leave(.crash, "in its report", leavesEvent: true)
    world.wait(.seconds(2))
    let second = try #require(world.slow.instances.last)
    #expect(second.handled == [event], "in their order")
    second.finish()
    #expect(second.handled.count == 2)
    #expect(try status.dropped == 0 && status.failures == 1)
  }

  @Test func oneThatIsDoneRests() throws {
    let instance = try run { $0.policy.restart = .onFailure }
    instance.leave(.completed)
    #expect(try status.state == .idle && status.failures == 0 && status.lastExit == .completed)
    #expect(world.of("agent:failed").isEmpty && world.of("agent:stopped").count == 1)
    _ = try wake()
    #expect(world.slow.instances.count == 2)
  }

  @Test func aOneShotMayEndWithItsEvent() throws {
    try world.adopt(slowAgent("a") { $0.runtime.lifecycle = .oneShot })
    _ = try wake()
    world.slow.instances[0].leave(.completed)
    #expect(try status.state == .idle && status.activations == 1 && status.failures == 0)
  }

  @Test func oneThatEndsTooOftenIsQuarantined() throws {
    _ = try run { $0.policy = Policy(maxRestarts: 2, backoff: .milliseconds(10), maxBackoff: .milliseconds(10)) }
    for _ in 0..<3 {
      world.slow.instances.last?.leave(.crash)
      world.wait(.milliseconds(100))
    }
    #expect(try status.state == .quarantined)
    #expect(world.slow.instances.count == 3)
  }

  @Test func anEndAndAStopCountOnce() throws {
    let instance = try run()
    _ = try wake()
    var ends = 0
    try world.agents.killAgent("a", now: false, cause: nil) { ends += 1 }
    // It drains; before it is asked to end it is gone.
    instance.leave(.crash, "signal 15")
    #expect(ends == 1)
    #expect(try status.state == .idle && status.lastExit == .killed)
    instance.finish()
    instance.end()
    #expect(ends == 1 && world.of("agent:stopped").count == 1)
    // What a former instance says is late.
    _ = try world.agents.spawnAgent("a", cause: nil)
    world.wait(.milliseconds(300))
    instance.leave(.crash)
    #expect(try status.state == .ready)
  }

  @Test func itEndsWhileItsFirstReadingsAreAwaited() throws {
    try world.backend.inject("temperature", ["fault": "slow", "delay": "10s"])
    try world.adopt(slowAgent("a"))
    _ = try world.agents.spawnAgent("a", cause: nil)
    let instance = try #require(world.slow.instances.last)
    #expect(try status.state == .starting)
    instance.leave(.crash, "too early")
    #expect(try status.state == .backoff && status.lastError == "too early")
    world.wait(.milliseconds(300))
    #expect(try status.state == .backoff, "readings that come now start nothing")
  }

  @Test func theLedgerSaysWhy() throws {
    let instance = try run()
    instance.leave(.memory, "the kernel killed it")
    let lines = world.registry.changes.compactMap { change in
      if case .ledger(let entry) = change { "\(entry.reason): \(entry.message)" } else { nil }
    }
    #expect(lines == ["budget.memory: the kernel killed it"])
  }
}
