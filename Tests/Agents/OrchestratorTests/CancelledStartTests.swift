import Agent
import Model
import TestKit
import Testing

@testable import Orchestrator

/// Agents that are stopped before they are ready.
@Suite struct CancelledStartTests {
  private let world = World()

  /// Begins a start that does not end by itself.
  private func begin(_ change: (inout Manifest) -> Void = { _ in }) throws {
    world.slow.holdsStarts = true
    try world.adopt(slowAgent("a", change))
    _ = try world.agents.spawnAgent("a", cause: nil)
    world.settle()
    #expect(try world.state("a") == .starting)
  }

  @Test(arguments: [false, true]) func aKillDoesNotWaitForTheStart(_ now: Bool) throws {
    try begin()
    var isOver = false
    try world.agents.killAgent("a", now: now, cause: nil) { isOver = true }
    world.settle()
    #expect(try isOver && world.state("a") == .idle)
    #expect(try world.agents.agentStatus("a").lastError == nil, "it did not fail")
    world.slow.finishStarts()
    #expect(world.slow.instances.isEmpty, "the start was given up")
    #expect(try world.state("a") == .idle)
  }

  @Test func aRestartBeginsAnotherStart() throws {
    try begin()
    try world.agents.restartAgent("a", cause: nil)
    world.settle()
    #expect(try world.state("a") == .starting && world.slow.starts.count == 1)
    world.slow.finishStarts()
    world.wait(.seconds(1))
    #expect(try world.state("a") == .ready)
    #expect(world.slow.instances.map(\.stops) == [[]])
  }

  @Test func theEndOfTheDaemonDoesNotWaitForAStart() throws {
    try begin()
    var isOver = false
    world.agents.shutDown { isOver = true }
    world.settle()
    #expect(isOver)
  }

  /// Outputs go safe after the agents have ended, so that may not take as long as the greatest grace time.
  @Test func theEndOfTheDaemonWaitsTenSecondsForAnAgent() throws {
    try world.adopt(slowAgent("a") { $0.policy.grace = .seconds(300) })
    _ = try world.agents.spawnAgent("a", cause: nil)
    world.wait(.seconds(1))
    var isOver = false
    world.agents.shutDown { isOver = true }
    world.wait(.milliseconds(9900))
    #expect(world.slow.instances[0].stops == [false] && !isOver)
    world.wait(.milliseconds(200))
    #expect(world.slow.instances[0].stops == [false, true])
    world.slow.instances[0].end()
    #expect(isOver)
  }
}
