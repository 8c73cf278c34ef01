import AgentInProcess
import EventLoop
import Glibc
import HAL
import HALSimulated
import Linux
import Model
import OpenStarryAgent
import Orchestrator
import TestKit
import Testing

@testable import Vitals

/// Pressure files with a manual clock: real agents stop and come back.
@Suite struct PressureWatchTests {
  @Test func agentsStopByPriorityAndComeBack() throws {
    let world = try PressureWorld(["memory": 0, "cpu": 0, "io": 0])
    world.watch.beat()
    #expect(world.running == ["guard", "logger", "radio"] && world.clock.waiting == 0, "at rest it waits for nothing")
    try world.set("memory", 50)
    world.watch.beat()
    #expect(world.running == ["guard", "radio"])
    #expect(try world.agents.agentStatus("logger").lastExit == .pressure)
    #expect(throws: (any Error).self) { try world.agents.spawnAgent("logger", cause: nil) }
    #expect(throws: (any Error).self) {
      try world.agents.wakeAgent("logger", with: Event(id: ULID(high: 1, low: 1), type: "x:y"))
    }
    world.clock.advance(by: .seconds(6))
    #expect(world.running == ["guard"])
    world.clock.advance(by: .seconds(60))
    #expect(world.running == ["guard"], "the critical one stays")
    try world.set("memory", 1)
    world.clock.advance(by: .seconds(24))
    #expect(world.running == ["guard", "radio"], "the more important one first")
    world.clock.advance(by: .seconds(60))
    #expect(world.running == ["guard", "logger", "radio"] && world.clock.waiting == 0)
    let told = world.events.filter { $0.type == "system:pressure" }.map { $0["short"]?.bool }
    #expect(told == [true, false])
    #expect(world.rests == 1, "told once, when there is nothing to look for")
  }

  @Test func aShortCPUHoldsTheBackgroundBack() throws {
    let world = try PressureWorld(["memory": 0, "cpu": 0])
    try world.set("cpu", 90)
    world.watch.beat()
    #expect(world.shortCPU == [true])
    func wake() throws {
      let id = ULID(high: 1, low: UInt64(world.events.count))
      for agent in ["logger", "radio"] as [AgentID] {
        try world.agents.wakeAgent(agent, with: Event(id: id, type: "x:y", source: "t\(id)"))
      }
    }
    for _ in 0..<3 { try wake() }
    #expect(try world.agents.agentStatus("radio").activations == 3)
    #expect(try world.agents.agentStatus("logger").activations == 0)
    #expect(world.agents.progress.waiting == 0, "what is held back does not count as stuck")
    world.clock.advance(by: .seconds(10))
    #expect(try world.agents.agentStatus("logger").activations == 1, "one at each look")
    try world.set("cpu", 0)
    world.clock.advance(by: .seconds(40))
    #expect(try world.agents.agentStatus("logger").activations == 3)
    #expect(world.shortCPU == [true, false] && world.clock.waiting == 0)
  }

  @Test(arguments: [[:], ["memory": "psi is off\n"]]) func kernelsWithoutPressureAreSaid(_ files: [String: String])
    throws
  {
    let world = try PressureWorld([:])
    for (name, text) in files { try world.folder.write(name, text) }
    world.watch.start()
    world.watch.beat()
    #expect(world.watch.status.string?.hasPrefix("not available") == true)
    #expect(world.running.count == 3)
  }

  @Test func whatThisKernelSaysIsRead() throws {
    guard Files.isFile("/proc/pressure/memory"), (try? Files.read("/proc/pressure/memory")) != nil else {
      print("skipped: this kernel has no pressure stall information")
      return
    }
    let file = try #require(PressureFile(.memory, "/proc/pressure/memory", trigger: "some 200000 2000000"))
    #expect(file.reading != nil)
    let refused = try #require(PressureFile(.memory, "/proc/pressure/memory", trigger: "nonsense"))
    #expect(refused.descriptor == nil && refused.reading != nil)
  }
}
