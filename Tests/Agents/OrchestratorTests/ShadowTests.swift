import Agent
import HAL
import HALTestKit
import Model
import OpenStarryAgent
import TestKit
import Testing

@testable import Orchestrator

/// Agents that decide on real events, and move nothing.
@Suite struct ShadowTests {
  private let world = World([
    .sensor("temperature"), .actuator("fan", ActuatorSettings(maxOn: .seconds(30), lease: .seconds(20))),
    .actuator("lamp"), .actuator("vent", ActuatorSettings(minOff: .seconds(10))),
    .actuator("pump", ActuatorSettings(exclusiveWith: ["vent"])),
  ])

  /// The calls of a running shadow.
  private func shadow(_ id: AgentID = "next", _ change: (inout Manifest) -> Void = { _ in }) throws -> any AgentHost {
    try world.adopt(
      slowAgent(id) {
        $0.shadow = true
        change(&$0)
      })
    _ = try world.agents.spawnAgent(id, cause: nil)
    world.settle()
    return try #require(world.slow.instances.last).host
  }

  private func record(_ id: AgentID = "next", last: Duration? = nil) throws -> ShadowComparison {
    try #require(world.agents.shadows.compare(.agent(id), last: last))
  }

  private func compared(_ device: DeviceID, last: Duration? = nil) throws -> ShadowComparison.Output {
    try #require(try record(last: last).outputs.first { $0.device == device })
  }

  private func use(_ seconds: Int64, _ switchings: UInt64) -> ShadowComparison.Use {
    ShadowComparison.Use(onTime: .seconds(seconds), switchings: switchings)
  }

  private var imagined: [String] {
    world.of("agent:shadowed").filter { $0["would"] == "changed" }.compactMap { $0["reason"]?.string }
  }

  // MARK: Nothing moves

  /// The calls of an agent, by the names that the SDK gives them. What a call answers does not matter here.
  private static let calls: [(name: String, call: @Sendable (any AgentHost) -> Void)] = [
    ("read", { _ = try? $0.read("temperature") }),
    ("control", { _ = try? $0.control("fan", .on, lease: .seconds(60)) }),
    ("snapshot", { _ = try? $0.snapshot("cam") }),
    ("frame", { _ = try? $0.frame("cam", width: 8, height: 8) }),
    ("complete", { _ = try? $0.complete(ModelRequest()) { _ in } }),
    ("cancel", { $0.cancel(CompletionID(1)) }),
    ("send", { try? $0.send(ModelRequest(), as: "question") }),
    ("why", { _ = try? $0.why("lamp") }),
    ("surroundings", { _ = try? $0.surroundings() }),
    ("emit", { _ = try? $0.emit("x:said", ["value": 1]) }),
    ("log", { $0.log(.info, "line") }),
    ("state", { _ = $0.state("kept") }),
    ("setState", { try? $0.setState("kept", 1) }),
    ("setTimer", { try? $0.setTimer("soon", after: .seconds(1), repeats: false) }),
    ("cancelTimer", { $0.cancelTimer("soon") }),
    ("file", { _ = try? $0.file("/compute/1") }),
  ]

  /// A call that is added to the SDK is added here.
  @Test func everyCallIsTried() throws {
    let source = String(decoding: try Repository.read("SDK/OpenStarryAgent/Context.swift"), as: UTF8.self)
    let lines = source.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    let start = try #require(lines.firstIndex { $0.hasPrefix("public protocol AgentHost") })
    let end = try #require(lines[start...].firstIndex { $0 == "}" })
    let declared = lines[start..<end].compactMap { line -> String? in
      guard line.hasPrefix("  func ") else { return nil }
      return String(line.dropFirst("  func ".count).prefix { $0 != "(" })
    }
    #expect(declared == Self.calls.map(\.name))
  }

  /// Rules listen to all that a shadow may cause, and would move the lamp.
  @Test func noCallOfAShadowMovesAnything() throws {
    try world.load(
      rule("said", on: [EventPattern("x:*")], .actuate("lamp", .on, lease: .seconds(60))),
      rule("shadowed", on: [EventPattern("*:shadowed")], .actuate("lamp", .on, lease: .seconds(60))),
      rule("any", on: [EventPattern("device:*")], .actuate("lamp", .on, lease: .seconds(60))))
    try world.adopt(doer("hears") { $0.subscribe = [EventPattern("x:*"), EventPattern("*:shadowed")] })
    let host = try shadow()
    let outputs = world.hardware.board.devices.map(\.id)
    let before = outputs.map { world.hardware.output($0) }
    let commands = world.hardware.board.devices.map { world.backend.history(of: $0.id).count }
    for (name, call) in Self.calls {
      call(host)
      world.wait(.seconds(2))
      #expect(outputs.map { world.hardware.output($0) } == before, "\(name)")
    }
    world.wait(.seconds(60))
    #expect(world.hardware.board.devices.map { world.backend.history(of: $0.id).count } == commands)
    #expect(world.of("rule:fired").isEmpty && world.of("device:changed").isEmpty && world.of("x:said").isEmpty)
    #expect(try world.lines("hears").isEmpty)
    #expect(!world.of("agent:shadowed").isEmpty)
    // Its own state is its own.
    #expect(world.agents.durableState("next")["kept"] == 1)
  }

  @Test func whatItWouldHaveDoneIsInTheChainOfItsCauses() throws {
    let host = try shadow()
    let event = world.log.publish("x:go", from: "client/test")
    try world.agents.wakeAgent("next", with: event)
    world.settle()
    let receipt = try host.control("fan", .on, lease: nil)
    #expect(receipt.state == 1 && receipt.previous == 0 && receipt.isConfirmed)
    let told = try #require(world.of("agent:shadowed").first)
    #expect(receipt.id == told.id && told.source == "agent/next" && told.priority == .low)
    #expect(told.payload == ["agent": "next", "would": "changed", "device": "fan", "level": 1.0, "reason": "command"])
    #expect(world.log.chain(to: told.id).map(\.type) == ["x:go", "agent:activated", "agent:shadowed"])
    // The end of its lease has the same chain, one longer.
    world.wait(.seconds(21))
    #expect(world.of("agent:shadowed").last?.cause == told.id && imagined == ["command", "lease-expired"])
    #expect(world.log.chain(toLastChangeOf: "fan").isEmpty)
  }

  @Test func anEventThatItWouldHaveEmittedIsRecordedAndNotPublished() throws {
    let host = try shadow()
    let id = try host.emit("climate:hot", ["over": 2.5])
    #expect(world.log.event(id)?["action"] == "emit(climate:hot, over: 2.5)")
    #expect(world.of("climate:hot").isEmpty)
    let deeds = try #require(try record().deeds["emit"])
    #expect(deeds.count == 1 && deeds.newest.map(\.text) == ["emit(climate:hot, over: 2.5)"])
    #expect(throws: AgentError.self) { try host.emit("no name", [:]) }
    #expect(try record().deeds["emit"]?.count == 1)
    for _ in 0..<40 { _ = try? host.emit("climate:hot", [:]) }
    #expect(try record().deeds["emit"].map { $0.newest.count } == 8)
  }

  // MARK: As the gate would

  @Test func anImaginaryLeaseEndsInTime() throws {
    let host = try shadow()
    _ = try host.control("lamp", .on, lease: .seconds(5))
    world.wait(.seconds(60))
    let lamp = try compared("lamp")
    #expect(lamp.would == use(5, 2) && lamp.did == use(0, 0) && lamp.differs == .seconds(5))
    #expect(lamp.total.would == use(5, 2) && lamp.total.did == use(0, 0))
    #expect(lamp.differences.map { [$0.would, $0.did] } == [[1, 0]] && lamp.differences[0].holder == nil)
    #expect(lamp.differences[0].to.map { $0 - lamp.differences[0].from } == .seconds(5))
    // A window sees what is in it.
    #expect(try compared("lamp", last: .seconds(58)).would == use(3, 1))
    #expect(try compared("lamp", last: .seconds(50)).would == use(0, 0))
  }

  @Test func maxOnEndsItAndItRests() throws {
    let host = try shadow()
    _ = try host.control("fan", .on, lease: .seconds(300))
    world.wait(.seconds(31))
    #expect(imagined == ["command", "max-on"])
    let refused = #expect(throws: AgentError.self) { try host.control("fan", .on, lease: nil) }
    #expect(refused?.code == .limited && refused?.message.contains("has to rest as long") == true)
    _ = try? host.control("fan", .on, lease: nil)
    let fan = try compared("fan")
    #expect(fan.would.onTime == .seconds(30) && fan.refused == ["max_on": 2])
    // The same refusal is told once.
    #expect(world.of("agent:shadowed").filter { $0["would"] == "refused" }.count == 1)
    // Nothing is counted as a refusal of the board.
    #expect(world.hardware.denials == 0 && world.hardware.device("fan")?.denials == 0)
  }

  @Test func refusalsAreThoseOfTheGate() throws {
    let host = try shadow { $0.permissions.actuators = ["fan", "vent", "pump"].map { EventPattern($0) } }
    func code(_ device: String, _ command: ActuatorCommand = .on) -> AgentError.Code? {
      do throws(AgentError) {
        _ = try host.control(device, command, lease: nil)
        return nil
      } catch { return error.code }
    }
    #expect(code("lamp") == .denied && code("lmap") == .notFound && code("fan", .level(2)) == .invalid)
    world.wait(.seconds(10))
    #expect(code("vent") == nil)
    // Of those that exclude it, what it imagines counts.
    #expect(code("pump") == .limited)
    #expect(code("vent", .off) == nil && code("pump") == nil && code("vent") == .limited)
    #expect(code("pump", .off) == nil && code("vent") == .limited)
    world.wait(.seconds(10))
    #expect(code("vent") == nil)
    #expect(try compared("vent").refused == ["exclusive_with": 1, "min_off": 1])
  }

  /// The old version of a shadow has its outputs: it would always have to wait.
  @Test func whoReallyHoldsAnOutputIsRecordedAndDoesNotStopIt() throws {
    try world.adopt(slowAgent("old"))
    _ = try world.agents.spawnAgent("old", cause: nil)
    let old = world.slow.instances[0].host
    let host = try shadow()
    _ = try old.control("lamp", .on, lease: .seconds(30))
    world.wait(.seconds(10))
    let receipt = try host.control("lamp", .on, lease: .seconds(30))
    #expect(receipt.state == 1)
    #expect(world.hardware.output("lamp")?.holder == "agent/old")
    _ = try host.control("lamp", .on, lease: .seconds(30))
    world.wait(.seconds(60))
    let lamp = try compared("lamp")
    #expect(lamp.waited == ["agent/old": 1] && lamp.refused.isEmpty)
    #expect(lamp.would.onTime == .seconds(30) && lamp.did == use(30, 2) && lamp.differs == .seconds(20))
    #expect(lamp.differences.map { [$0.would, $0.did] } == [[1, 0], [0, 1]])
    #expect(lamp.differences.map(\.holder) == ["agent/old", "agent/old"])
    // Its refusal is told to nobody but the record: the holder is not asked to make room.
    #expect(world.of("device:free").isEmpty && world.of("device:changed").count == 2)
  }

  @Test func anEmergencyStopEndsItAndRefusesIt() throws {
    let host = try shadow()
    _ = try host.control("lamp", .on, lease: .seconds(60))
    world.wait(.seconds(5))
    world.hardware.stopEverything(by: "client/ada")
    world.wait(.seconds(5))
    #expect(imagined == ["command", "emergency-stop"])
    let refused = #expect(throws: AgentError.self) { try host.control("lamp", .on, lease: nil) }
    #expect(refused?.code == .limited)
    #expect(try compared("lamp").would == use(5, 2) && compared("lamp").refused == ["emergency_stop": 1])
  }

  @Test func itsOffAndItsEndRelease() throws {
    let host = try shadow()
    _ = try host.control("lamp", .on, lease: .seconds(60))
    _ = try host.control("fan", .on, lease: .seconds(60))
    world.wait(.seconds(3))
    _ = try host.control("lamp", .off, lease: nil)
    world.wait(.seconds(2))
    try world.agents.killAgent("next", now: true, cause: nil) {}
    world.slow.instances.last?.end()
    world.wait(.seconds(10))
    #expect(try compared("lamp").would == use(3, 2) && compared("fan").would == use(5, 2))
    #expect(imagined == ["command", "command", "command", "holder-ended"])
  }

  @Test func aPulseIsImaginedToItsEnd() throws {
    let host = try shadow()
    _ = try host.control("lamp", .pulse(.seconds(2)), lease: nil)
    world.wait(.seconds(10))
    #expect(try compared("lamp").would == use(2, 2) && imagined == ["command", "pulse-ended"])
  }

  @Test func anInterlockThatShutsMakesItSafe() throws {
    let host = try shadow()
    _ = try host.control("lamp", .on, lease: .seconds(60))
    world.wait(.seconds(4))
    world.hardware.setInterlock("lamp", "it rains", cause: nil)
    #expect(throws: AgentError.self) { try host.control("lamp", .on, lease: nil) }
    world.hardware.setInterlock("lamp", nil, cause: nil)
    _ = try host.control("lamp", .on, lease: .seconds(1))
    world.wait(.seconds(4))
    #expect(try compared("lamp").would == use(5, 4) && compared("lamp").refused == ["only_while": 1])
  }

  // MARK: Records

  /// The details are bounded, the totals lose nothing.
  @Test func aLongRecordSaysFromWhenOnItCounts() throws {
    let host = try shadow()
    let start = world.clock.now
    for _ in 0..<400 {
      _ = try host.control("lamp", .on, lease: .seconds(60))
      world.clock.advance(by: .seconds(1))
      _ = try host.control("lamp", .off, lease: nil)
      world.clock.advance(by: .seconds(1))
    }
    let lamp = try compared("lamp")
    #expect(lamp.total.would == use(400, 800) && lamp.total.since == start)
    #expect(lamp.would.switchings == UInt64(LevelHistory.most) && lamp.since > start)
    #expect(lamp.would.onTime == .seconds(256) && lamp.differs == .seconds(256))
    #expect(lamp.differences.count == 20)
    #expect(try compared("lamp", last: .seconds(10)).since == world.clock.now + .seconds(-10))
  }

  @Test func aNewVersionHasARecordOfItsOwn() throws {
    let host = try shadow()
    _ = try host.control("lamp", .on, lease: .seconds(60))
    world.wait(.seconds(1))
    try world.agents.killAgent("next", now: true, cause: nil) {}
    world.slow.instances.last?.end()
    world.wait(.seconds(1))
    try world.adopt(slowAgent("next") { $0.shadow = true })
    #expect(try compared("lamp").total.would == use(0, 0))
    #expect(try world.agents.agentStatus("next").isShadow)
    // Nobody's shadow any more.
    try world.adopt(slowAgent("next"))
    #expect(world.agents.shadows.compare(.agent("next"), last: nil) == nil)
    _ = try world.agents.spawnAgent("next", cause: nil)
    _ = try #require(world.slow.instances.last).host.control("lamp", .on, lease: nil)
    #expect(world.level("lamp") == 1)
    #expect(world.agents.shadows.compare(.agent("nobody"), last: nil) == nil)
  }

  @Test func onlyWhatItMayCommandIsCompared() throws {
    _ = try shadow { $0.permissions.actuators = [EventPattern("l*")] }
    #expect(try record().outputs.map(\.device) == ["lamp"])
  }
}
