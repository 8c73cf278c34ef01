import Agent
import AgentInProcess
import Model
import OpenStarryAgent
import TestKit
import Testing

@testable import Orchestrator

/// Sets the timers that the event's payload names, and logs those whose time has come.
private struct Timed: OpenStarryAgent.Agent {
  mutating func handle(_ event: Event, _ context: inout Context) throws(AgentError) {
    let name = event["timer"]?.string ?? ""
    switch event.type {
    case "agent:timer":
      context.log("\(name) depth \(event.depth)")
      if name == "again" { try context.after(.seconds(1), timer: "again") }
    case "do:after": try context.after(.milliseconds(event["ms"]?.int ?? 0), timer: name)
    case "do:every": try context.every(.milliseconds(event["ms"]?.int ?? 0), timer: name)
    case "do:cancel": context.cancel(timer: name)
    case "do:fail": throw AgentError(.failed, "on purpose")
    default: break
    }
  }
}

/// The timers of agents.
@Suite struct TimerTests {
  private let world = World(types: [AgentType("timed", Timed.self)])

  init() throws {
    try adopt("a")
  }

  private func adopt(_ id: AgentID, _ change: (inout Manifest) -> Void = { _ in }) throws {
    try world.adopt(
      doer(id) {
        $0.runtime.entry = "timed"
        change(&$0)
      })
  }

  @discardableResult
  private func send(_ type: String, _ timer: String, ms: Int64 = 0, to id: AgentID = "a") throws -> Event {
    let event = world.log.publish(type, from: "client/test", ["timer": .string(timer), "ms": .int(ms)])
    try world.agents.wakeAgent(id, with: event)
    world.settle()
    return event
  }

  private func lines(_ id: AgentID = "a") throws -> [String] { try world.lines(id) }

  @Test func aTimerComesOnceAndItsCauseIsTheEventInWhichItWasSet() throws {
    let set = try send("do:after", "dry", ms: 5000)
    world.wait(.milliseconds(4990))
    #expect(try lines() == [])
    world.wait(.seconds(60))
    #expect(try lines() == ["dry depth 1"])
    let event = try #require(world.of("agent:timer").first)
    #expect(event.cause == world.of("agent:activated").first?.id && event.trace == set.trace)
    #expect(event.payload == ["agent": "a", "timer": "dry"])
  }

  @Test func aTimerIsReplacedAndCancelled() throws {
    try send("do:after", "x", ms: 1000)
    try send("do:after", "x", ms: 3000)
    world.wait(.seconds(2))
    #expect(try lines() == [])
    world.wait(.seconds(2))
    #expect(try lines().count == 1)
    try send("do:after", "x", ms: 1000)
    try send("do:cancel", "x")
    try send("do:cancel", "nothing")
    world.wait(.seconds(10))
    #expect(try lines().count == 1)
  }

  @Test func aRepeatedTimerKeepsItsPace() throws {
    try send("do:every", "poll", ms: 1000)
    world.wait(.milliseconds(10_500))
    #expect(try lines().count == 10)
    try send("do:cancel", "poll")
    world.wait(.seconds(10))
    #expect(try lines().count == 10)
  }

  /// A chain of timers, each set in the event of the one before, is no storm.
  @Test func aTimerThatIsSetAgainEachTimeGoesOn() throws {
    try send("do:after", "again", ms: 1000)
    world.wait(.milliseconds(100_500))
    #expect(try lines().suffix(20) == Array(repeating: "again depth 1", count: 20))
    #expect(world.of("agent:timer").count == 100)
  }

  @Test func aTimerWakesAnAgentThatDoesNotRun() throws {
    try adopt("once") { $0.runtime.lifecycle = .oneShot }
    try send("do:after", "later", ms: 2000, to: "once")
    #expect(try world.state("once") == .idle)
    world.wait(.seconds(3))
    #expect(try lines("once") == ["later depth 1"])
  }

  @Test func timersOutliveAFailureAndEndWhenTheAgentIsStopped() throws {
    try send("do:after", "x", ms: 5000)
    try send("do:fail", "")
    world.wait(.seconds(6))
    #expect(try lines().filter { $0.hasPrefix("x") }.count == 1)
    try send("do:every", "y", ms: 1000)
    try world.agents.killAgent("a", now: false, cause: nil) {}
    world.wait(.seconds(5))
    #expect(try world.state("a") == .idle && lines().filter { $0.hasPrefix("y") }.isEmpty)
  }

  @Test func theTimersOfAnAgentThatDoesNotRunEndWithIt() throws {
    for (id, isKilled) in [("killed", true), ("disabled", false)] as [(AgentID, Bool)] {
      try adopt(id) { $0.runtime.lifecycle = .oneShot }
      try send("do:every", "x", ms: 1000, to: id)
      #expect(try world.state(id) == .idle)
      if isKilled {
        try world.agents.killAgent(id, now: false, cause: nil) {}
      } else {
        try world.agents.setEnabled(id, false, cause: nil)
        try world.agents.setEnabled(id, true, cause: nil)
      }
      world.wait(.seconds(5))
      #expect(try lines(id) == [], "\(id)")
    }
    #expect(world.of("agent:timer").isEmpty)
  }

  @Test func anAgentThatMayNotRunGetsNoTimer() throws {
    try adopt("boss")
    try adopt("child") { $0.parent = "boss" }
    _ = try world.agents.spawnAgent("boss", cause: nil)
    try send("do:every", "x", ms: 1000, to: "child")
    try world.agents.killAgent("boss", now: false, cause: nil) {}
    world.wait(.milliseconds(4500))
    #expect(world.of("agent:timer").isEmpty)
    #expect(try world.agents.agentStatus("child").dropped == 4)
    _ = try world.agents.spawnAgent("boss", cause: nil)
    world.wait(.seconds(2))
    #expect(try lines("child").count == 2, "its timers are there still")
  }

  @Test func nobodyElseGetsTheEvent() throws {
    try adopt("b") { $0.subscribe = [EventPattern("agent:*")] }
    try adopt("a") { $0.subscribe = [EventPattern("agent:*")] }
    try send("do:after", "x", ms: 100)
    world.wait(.seconds(1))
    #expect(try lines("a") == ["x depth 1"] && lines("b") == [])
  }

  @Test func whatIsOutOfRangeIsRefused() throws {
    for (type, timer, ms) in [
      ("do:after", "", 5), ("do:after", "x", 0), ("do:after", "x", -5), ("do:every", "x", 99),
      ("do:after", "x", 366 * 86_400_000 + 1),
    ] as [(String, String, Int64)] {
      try send(type, timer, ms: ms)
      #expect(try world.agents.agentStatus("a").lastError?.contains("timer") ?? false, "\(type) \(ms)")
      try world.agents.restartAgent("a", cause: nil)
      world.wait(.seconds(1))
    }
    for number in 0..<AgentTimers.most { try send("do:after", "t\(number)", ms: 60_000) }
    try send("do:after", "one more", ms: 60_000)
    #expect(try world.agents.agentStatus("a").lastRefusal?.contains("there are 16 timers already") ?? false)
    // One that is there may be set again.
    try send("do:after", "t0", ms: 1000)
    world.wait(.seconds(2))
    #expect(try lines().contains("t0 depth 1"))
  }

  /// An agent that is busy for long finds one event of a repeated timer, not a hundred.
  @Test func anEventThatStillWaitsIsNotJoinedByAnother() throws {
    try world.adopt(slowAgent("slow"))
    _ = try world.agents.spawnAgent("slow", cause: nil)
    world.wait(.milliseconds(300))
    let instance = world.slow.instances[0]
    try instance.host.setTimer("poll", after: .milliseconds(100), repeats: true)
    world.wait(.seconds(10))
    #expect(try world.agents.agentStatus("slow").queued == 1 && instance.handled.count == 1)
    instance.finish()
    world.settle()
    #expect(instance.handled.count == 2)
  }

  @Test func duringAnEmergencyStopTimersDoNotCount() throws {
    try send("do:every", "poll", ms: 1000)
    world.agents.isPaused = true
    world.wait(.seconds(5))
    world.agents.isPaused = false
    world.wait(.milliseconds(2500))
    #expect(try lines().count == 2)
  }
}
