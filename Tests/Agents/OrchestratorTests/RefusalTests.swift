import Agent
import ExampleAgents
import HAL
import HALTestKit
import Model
import OpenStarryAgent
import Testing

@testable import Orchestrator
@testable import thermostat

/// A refusal by the gate is an answer: DESIGN.md 6.6, and cases 2 and 3 of RULES.md 7.
@Suite struct RefusalTests {
  /// Without a sensor: readings are what the test says.
  private static let devices: [Device] = [.actuator("fan")]

  private func agent(_ entry: String) -> Manifest {
    doer("climate") {
      $0.runtime.entry = entry
      $0.subscribe = [EventPattern("sensor:temperature")]
      $0.policy = Policy(maxRestarts: 1)
    }
  }

  private func world(_ devices: [Device]) -> World {
    World(devices, types: ExampleAgents.all + [AgentType("thermostat", Thermostat.self)])
  }

  /// A reading each second.
  private func read(_ value: Double, times: Int, in world: World) {
    for _ in 0..<times {
      world.emit("sensor:temperature", ["value": .double(value)])
      world.wait(.seconds(1))
    }
  }

  private func status(_ world: World) throws -> AgentStatus { try world.agents.agentStatus("climate") }

  /// `climate` sees to it, `doer` does not.
  @Test(arguments: ["climate", "doer"]) func whoeverHoldsTheFanFirstKeepsItAndTheAgentHasItOnceItIsFree(
    entry: String
  ) throws {
    let world = world(Self.devices)
    try world.adopt(agent(entry))
    _ = try world.hardware.controlActuator("fan", .on, lease: .seconds(25), as: .named("client/ada"), cause: nil)
    read(31, times: 25, in: world)
    let held = try status(world)
    #expect(held.state == .ready && held.failures == 0 && held.restarts == 0)
    #expect(held.activations + held.refusals == 25)
    #expect(held.refusals == (entry == "doer" ? 25 : 0))
    #expect(world.of("agent:failed").isEmpty && world.of("agent:quarantined").isEmpty)
    read(31, times: 1, in: world)
    #expect(world.hardware.devices().first { $0.id == "fan" }?.holder == "agent/climate")
    #expect(try status(world).state == .ready && world.level("fan") == 1)
  }

  /// Asking again at each reading, as the docs say, must not stop the agent for its budget.
  @Test(arguments: ["climate", "doer"]) func whatTheBoardRefusesIsNotCountedAgainstTheBudget(entry: String) throws {
    let world = world(Self.devices)
    var agent = agent(entry)
    agent.budget = Budget(hardware: Rate(count: 3, per: .seconds(60)))
    try world.adopt(agent)
    _ = try world.hardware.controlActuator("fan", .on, lease: .seconds(25), as: .named("client/ada"), cause: nil)
    read(31, times: 26, in: world)
    #expect(try status(world).state == .ready && status(world).failures == 0 && world.of("agent:failed").isEmpty)
    #expect(world.hardware.devices().first { $0.id == "fan" }?.holder == "agent/climate")
    let budget = try #require(try status(world).budgets.first { $0.resource == .hardware })
    #expect(budget.used == 1 && budget.refused == 0)
  }

  /// A real sensor publishes no reading that differs by less than its deadband, but for its heartbeat.
  @Test func aSteadySensorAsksAgainByItsHeartbeat() throws {
    let settings = SensorSettings(every: .seconds(1), deadband: 0.5, heartbeat: .seconds(30))
    let world = world([.sensor("temperature", settings), .actuator("fan", ActuatorSettings(minOff: .seconds(10)))])
    try world.adopt(agent("climate"))
    world.wait(.seconds(12))
    _ = try world.hardware.controlActuator("fan", .on, lease: .seconds(4), as: .named("client/ada"), cause: nil)
    try world.backend.inject("temperature", ["value": 33])
    world.wait(.seconds(2))
    #expect(try world.lines("climate").count == 1, "it was not refused")
    world.wait(.seconds(45))
    #expect(world.hardware.devices().first { $0.id == "fan" }?.holder == "agent/climate")
    // The lease of a minute is renewed for as long as it is hot.
    world.wait(.seconds(600))
    #expect(world.level("fan") == 1 && world.backend.history(of: "fan").count(where: { $0.level == 0 }) <= 2)
    #expect(try status(world).state == .ready && world.of("agent:quarantined").isEmpty)
  }

  /// As a disk that is full, or a home that belongs to somebody else: the agent can do nothing about it.
  @Test func whatTheBoardKeepsFromStartingIsTriedAgainAndNeverQuarantined() throws {
    let world = World()
    try world.adopt(
      slowAgent("a") {
        $0.runtime.entry = "refused"
        $0.policy = Policy(maxRestarts: 1, backoff: .milliseconds(100), maxBackoff: .seconds(1))
      })
    _ = try world.agents.spawnAgent("a", cause: nil)
    world.wait(.seconds(20))
    #expect(try world.state("a") == .backoff)
    #expect(world.of("agent:quarantined").isEmpty && world.of("agent:refused").count >= 1)
    #expect(try world.lines("a").contains { $0.hasSuffix("its start was refused") })
  }

  @Test func aRestThatCountsFromTheRestartQuarantinesNobody() throws {
    let world = world([.actuator("fan", ActuatorSettings(minOff: .seconds(20)))])
    try world.adopt(agent("climate"))
    read(31, times: 20, in: world)
    #expect(world.level("fan") != 1)
    read(31, times: 1, in: world)
    #expect(world.level("fan") == 1)
    let status = try status(world)
    #expect(status.failures == 0 && status.restarts == 0 && status.state == .ready)
    // It says once that it waits, and for how long.
    #expect(
      try world.lines("climate").first
        == "the fan has to wait: limited: 'fan' is limited by min_off: it has to rest for 20s; try again in 20s")
    #expect(try world.lines("climate").count == 2)
  }

  @Test func theThermostatAsksAgainWhenTheHeaterHasRested() throws {
    let world = world([.actuator("heater", ActuatorSettings(minOff: .seconds(120)))])
    try world.adopt(agent("thermostat"))
    read(15, times: 120, in: world)
    #expect(world.level("heater") != 1)
    let denials = world.hardware.denials
    #expect(denials == 1, "it asked \(denials) times while the heater rested")
    read(15, times: 1, in: world)
    #expect(world.level("heater") == 1)
    #expect(try status(world).failures == 0 && world.state("climate") == .ready)
  }

  @Test func refusalsAreToldOnceAndThenFolded() throws {
    let world = world(Self.devices)
    try world.adopt(agent("doer"))
    _ = try world.hardware.controlActuator("fan", .on, lease: .seconds(900), as: .named("client/ada"), cause: nil)
    read(31, times: 605, in: world)
    let told = world.of("agent:refused")
    #expect(told.map { $0["count"] } == [1, 600])
    let first = try #require(told.first)
    #expect(first["code"] == "busy" && first["message"] == "'fan' is held by client/ada")
    #expect(first["retry_after_ms"] == 900_000 && first["event"] == "sensor:temperature")
    #expect(
      EventSentence.text(first) == "agent climate was refused: 'fan' is held by client/ada; try again in 15 min")
    let woken = try #require(world.of("agent:activated").first)
    #expect(first.cause == woken.id, "why leads back to the reading")
    #expect(
      try world.lines("climate").filter { $0.hasPrefix("refused") }.last
        == "refused 600 times, busy: 'fan' is held by client/ada; try again in 5m")
    #expect(try status(world).refusals == 605)
    #expect(try status(world).lastRefusal?.hasPrefix("busy: 'fan' is held by client/ada") == true)
    let ledger = world.registry.changes.compactMap { change -> String? in
      if case .ledger(let entry) = change { entry.reason } else { nil }
    }
    #expect(ledger == ["refused"])
  }

  @Test func budgetsAndHardwareThatFailsAreAnswersToo() throws {
    let world = world(Self.devices)
    try world.adopt(
      doer("a") {
        $0.policy = Policy(maxRestarts: 0)
        $0.budget = Budget(hardware: Rate(count: 1, per: .seconds(10)))
      })
    func wake(_ type: String) throws {
      try world.agents.wakeAgent("a", with: world.log.publish(type, from: "client/test"))
      world.settle()
    }
    try world.backend.inject("fan", "nack")
    try wake("do:on")
    try wake("do:on")
    let status = try world.agents.agentStatus("a")
    #expect(status.refusals == 2 && status.failures == 0 && status.state == .ready)
    #expect(status.lastRefusal == "limited: budget.hardware is used up; try again in 10s")
    // What is wrong with the call, and what it makes up itself, is its own.
    try wake("do:fail")
    #expect(try world.agents.agentStatus("a").failures == 1 && world.state("a") == .quarantined)
  }

  @Test func whatIsWrongWithTheCallIsAFailure() throws {
    let world = World([.sensor("temperature")])
    try world.adopt(doer("a") { $0.policy = Policy(maxRestarts: 0) })
    try world.agents.wakeAgent("a", with: world.log.publish("do:on", from: "client/test"))
    world.settle()
    let status = try world.agents.agentStatus("a")
    #expect(status.state == .quarantined && status.lastError == "not-found: no actuator 'fan' on this board")
  }

  @Test func namesHaveABound() throws {
    let world = World(Self.devices)
    try world.adopt(doer("a") { $0.policy = Policy(maxRestarts: 9) })
    for (length, kept) in [(129, false), (128, true)] {
      let key = String(repeating: "k", count: length)
      let event = world.log.publish("do:store", from: "client/test", ["key": .string(key), "value": 1])
      try world.agents.wakeAgent("a", with: event)
      world.settle()
      #expect(world.agents.durableState("a")[key] == (kept ? 1 : nil))
      world.wait(.seconds(2))
    }
    #expect(
      try world.agents.agentStatus("a").lastError == "invalid: a name of 129 bytes, where there may be 128")
  }

  @Test func kindsOfRefusalsAreFoldedApart() {
    var fold = Fold(.seconds(60))
    func at(_ seconds: UInt64) -> Instant { Instant(nanoseconds: seconds * 1_000_000_000) }
    #expect(fold.add("a", at: at(0)) == 1 && fold.add("b", at: at(1)) == 1)
    for second in 2..<60 as Range<UInt64> { #expect(fold.add("a", at: at(second)) == nil) }
    #expect(fold.add("a", at: at(60)) == 59 && fold.add("b", at: at(62)) == 1)
    // However many kinds there are, few are told.
    let told = (0..<1000).filter { fold.add("kind \($0)", at: at(63)) != nil }.count
    #expect(told <= 8)
  }
}
