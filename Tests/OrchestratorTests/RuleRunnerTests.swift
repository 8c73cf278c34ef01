import Agent
import HAL
import HALTestKit
import Model
import Rules
import Testing

@testable import Orchestrator

@Suite struct RuleRunnerTests {
  private let world = World()
  private let go = [EventPattern("x:go")]

  private func errors() -> [String] { world.of("rule:error").compactMap { $0["error"]?.string } }

  // MARK: Actions

  @Test func theWholePathFromSensorToActuatorAndBack() throws {
    try world.adopt(doer("climate"))
    try world.load(
      rule("too-hot", on: [EventPattern("sensor:temperature")], if: "value > 30.0", .wake("climate")))
    try world.backend.inject("temperature", ["value": 22])
    world.wait(.seconds(2))
    #expect(world.of("rule:fired").isEmpty && world.of("agent:started").isEmpty)
    try world.backend.inject("temperature", ["value": 31])
    world.wait(.seconds(2))
    #expect(world.level("fan") == 1)
    let chain = world.log.chain(toLastChangeOf: "fan")
    #expect(chain.map(\.type) == ["sensor:temperature", "rule:fired", "agent:activated", "device:changed"])
    #expect(chain.map(\.source) == ["temperature", "rule/too-hot", "agent/climate", "fan"])
    #expect(chain[0]["value"] == 31.0)
    #expect(Set(chain.map(\.trace)) == [chain[0].id])
    #expect(chain.map(\.depth) == [0, 1, 2, 3])
    // The lease ends: that has the same chain, one longer.
    try world.backend.inject("temperature", ["value": 20])
    world.wait(.seconds(70))
    #expect(world.level("fan") == 0)
    let end = world.log.chain(toLastChangeOf: "fan")
    #expect(end.first?.type == "sensor:temperature" && end.last?["reason"] == "lease-expired")
    #expect(world.rules.listRules().first?.fired == UInt64(world.of("rule:fired").count))
  }

  @Test func whatARuleCannotHandOverIsLostAndCounted() throws {
    try world.adopt(doer("a") { $0.subscribe = go })
    try world.load(rule("wakes", on: go, .wake("a")))
    world.agents.isPaused = true
    world.emit("x:go")
    #expect(errors().count == 1)
    // Once as a subscriber, once for the rule.
    #expect(try world.agents.agentStatus("a").dropped == 2)
    world.agents.isPaused = false
    world.emit("x:go")
    #expect(try world.agents.agentStatus("a").dropped == 2)
  }

  @Test func everyActionHappensInOrder() throws {
    try world.adopt(doer("a"))
    try world.adopt(doer("b"))
    _ = try world.agents.spawnAgent("b", cause: nil)
    try world.load(
      rule(
        "all", on: go, .spawn("a"), .actuate("lamp", .on, lease: .seconds(2)),
        .emit("y:said", [.init(name: "twice", expression: "n * 2"), .init(name: "who", expression: "event.source")]),
        .kill("b")))
    let event = world.emit("x:go", ["n": 21], priority: .high)
    let fired = try #require(world.of("rule:fired").first)
    #expect(fired.cause == event.id && fired.priority == .high)
    #expect(try world.lines("a") == ["1 x:go"])
    #expect(world.level("lamp") == 1)
    let said = try #require(world.of("y:said").first)
    #expect(said.payload == ["twice": 42, "who": "client/test"])
    #expect(said.cause == fired.id && said.source == "rule/all" && said.priority == .high)
    #expect(try world.state("b") == .idle)
    #expect(world.of("rule:error").isEmpty)
    world.wait(.seconds(2.1))
    #expect(world.level("lamp") == 0)
  }

  @Test func whatCannotBeDoneIsSaidAndTheRestIsDone() throws {
    try world.hardware.controlActuator("fan", .on, as: .named("client/alice"))
    try world.load(
      rule(
        "bad", on: go, .wake("nobody"), .actuate("lmap", .on, lease: nil), .actuate("fan", .off, lease: nil),
        .kill("nobody"), .actuate("lamp", .on, lease: nil)))
    world.emit("x:go")
    #expect(
      errors() == [
        "no agent 'nobody' is registered", "no actuator 'lmap' on this board (did you mean 'lamp'?)",
        "'fan' is held by client/alice", "no agent 'nobody' is registered",
      ])
    let fired = world.of("rule:fired").first
    #expect(world.of("rule:error").allSatisfy { $0.cause == fired?.id && $0["rule"] == "bad" })
    #expect(world.level("lamp") == 1)
    // The firing is over all the same: mode single lets the next one begin.
    world.emit("x:go")
    #expect(world.of("rule:fired").count == 2)
  }

  @Test func anAgentThatCannotTakeItIsAnErrorOfTheRule() throws {
    try world.adopt(doer("a") { $0.policy.maxRestarts = 0 })
    try world.load(rule("wake", on: [EventPattern("do:fail"), EventPattern("x:go")], .wake("a")))
    world.emit("do:fail")
    world.emit("x:go")
    #expect(errors() == ["agent 'a' is quarantined (failed: on purpose); 'openstarry restart a' lets it out"])
  }

  @Test func conditionsThatFailAreSaidOnce() throws {
    try world.load(
      rule("broken", on: go, if: "n / m > 1", .emit("y:z", [])),
      rule("payload", on: go, .emit("y:w", [.init(name: "v", expression: "missing.field")])))
    for _ in 0..<5 { world.emit("x:go", ["n": 1, "m": 0]) }
    #expect(world.of("rule:error").filter { $0["rule"] == "broken" }.count == 1)
    #expect(world.of("rule:error").filter { $0["rule"] == "payload" }.count == 1)
    #expect(world.of("y:z").isEmpty && world.of("y:w").isEmpty)
    world.emit("x:go", ["n": 4, "m": 2])
    #expect(world.of("y:z").count == 1)
    #expect(world.rules.listRules().first { $0.id == "broken" }?.fired == 1)
  }

  @Test func conditionsAskSensorsAndAgents() throws {
    try world.adopt(doer("a"))
    try world.backend.inject("humidity", ["value": 80])
    try world.load(
      rule("ask", on: go, if: "sensor('humidity') > 70.0 && state('a').handled == 1", .emit("y:z", [])),
      rule("wake", on: [EventPattern("x:wake")], .wake("a")))
    world.emit("x:go")
    world.wait(.seconds(2))
    world.emit("x:go")
    #expect(world.of("y:z").isEmpty)
    world.emit("x:wake")
    world.emit("x:go")
    #expect(world.of("y:z").count == 1)
  }

  @Test func timersAreEvents() throws {
    var tick = rule("tick", on: [], .emit("y:z", []))
    tick.trigger = .every(.seconds(10))
    try world.load(tick)
    world.wait(.seconds(35))
    #expect(world.of("timer:tick").count == 3)
    #expect(world.of("y:z").count == 3)
    #expect(world.log.chain(to: world.of("y:z")[0].id).map(\.type) == ["timer:tick", "rule:fired", "y:z"])
  }

  // MARK: Modes

  @Test func aSingleRuleWaitsForWhatItSetOff() throws {
    try world.adopt(slowAgent("a"))
    try world.load(rule("r", on: go, .wake("a")))
    for _ in 0..<3 { world.emit("x:go") }
    #expect(world.of("rule:fired").count == 1)
    world.slow.instances[0].finish()
    world.emit("x:go")
    #expect(world.of("rule:fired").count == 2)
  }

  @Test func aQueuedRuleTakesItsTurns() throws {
    try world.adopt(slowAgent("a"))
    try world.load(rule("r", on: go, .wake("a")) { $0.mode = .queued })
    for number in 1...3 { world.emit("x:go", ["n": .int(Int64(number))]) }
    let instance = world.slow.instances[0]
    for turn in 1...3 {
      #expect(world.of("rule:fired").count == turn)
      #expect(instance.handled.count == turn)
      #expect(instance.handled.last?["n"] == .int(Int64(turn)))
      instance.finish()
      world.settle()
    }
    #expect(!instance.isBusy)
  }

  @Test func aRestartedRuleDropsWhatWaitsAndLetsARunningOneFinish() throws {
    try world.adopt(slowAgent("a"))
    try world.load(rule("r", on: go, .wake("a")) { $0.mode = .restart })
    for number in 1...4 { world.emit("x:go", ["n": .int(Int64(number))]) }
    #expect(world.of("rule:fired").count == 4)
    #expect(try world.agents.agentStatus("a").queued == 1)
    let instance = world.slow.instances[0]
    while instance.isBusy {
      instance.finish()
      world.settle()
    }
    #expect(instance.handled.map { $0["n"] } == [1, 4])
  }

  @Test func parallelFiringsGoOnTogether() throws {
    for id: AgentID in ["a", "b"] { try world.adopt(slowAgent(id)) }
    try world.load(rule("r", on: go, .wake("a"), .wake("b")) { $0.mode = .parallel })
    for _ in 0..<3 { world.emit("x:go") }
    #expect(world.of("rule:fired").count == 3)
    #expect(try world.agents.agentStatus("a").queued == 2)
  }

  @Test func anAgentThatIsEndedEndsTheFiringsThatWaitForIt() throws {
    try world.adopt(slowAgent("a"))
    try world.load(rule("r", on: go, .wake("a")))
    world.emit("x:go")
    try world.agents.killAgent("a", now: true, cause: nil) {}
    world.slow.instances[0].end()
    world.emit("x:go")
    #expect(world.of("rule:fired").count == 2)
    #expect(world.slow.instances.count == 2)
  }

  // MARK: Reloading

  @Test func aBadFileLeavesTheOldRulesInForce() throws {
    try world.load(rule("good", on: go, .emit("y:z", [])))
    #expect(throws: Diagnostics.self) {
      try world.load(
        rule("good", on: go, .emit("y:w", [])), rule("bad", on: go, if: "value >", .emit("y:w", [])))
    }
    world.emit("x:go")
    #expect(world.of("y:z").count == 1 && world.of("y:w").isEmpty)
    #expect(world.of("rule:loaded").count == 1)
  }

  @Test func sensorsAreMeasuredOnlyForRulesThatWaitForThem() throws {
    try world.load(rule("r", on: [EventPattern("sensor:temperature")], .emit("y:z", [])))
    try world.backend.inject("temperature", ["value": 10])
    world.wait(.seconds(3))
    #expect(!world.of("sensor:temperature").isEmpty && world.of("sensor:humidity").isEmpty)
    try world.load(rule("r", on: [EventPattern("sensor:hum*")], .emit("y:z", [])))
    let before = world.of("sensor:temperature").count
    try world.backend.inject("temperature", ["value": 90])
    world.wait(.seconds(3))
    #expect(world.of("sensor:temperature").count == before)
    #expect(!world.of("sensor:humidity").isEmpty)
  }

  @Test func theStateTreeHoldsEverything() throws {
    try world.adopt(doer("a"))
    try world.load(rule("r", on: go, .wake("a"), .actuate("lamp", .on, lease: .seconds(9))))
    world.emit("x:go")
    var tree: Fields?
    StateTree(agents: world.agents, hardware: world.hardware, rules: world.rules, log: world.log, clock: world.clock)
      .collect { tree = $0 }
    let state = Value.map(try #require(tree))
    #expect(state["agents"]?["a"]?["snapshot"] == ["handled": 1])
    #expect(state["agents"]?["a"]?["activations"] == 1)
    #expect(state["devices"]?["lamp"]?["holder"] == "rule/r")
    #expect(state["devices"]?["lamp"]?["lease_ms"] == 9000)
    #expect(state["rules"]?["r"]?["fired"] == 1)
  }
}
