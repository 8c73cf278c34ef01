import Agent
import HAL
import HALTestKit
import Model
import Projection
import Rules
import Testing

@testable import Orchestrator

@Suite struct RuleRunnerTests {
  private let world = World()
  private let go = [EventPattern("x:go")]

  private func errors() -> [String] { world.of("rule:error").compactMap { $0["error"]?.string } }

  // MARK: Actions

  /// No other rule minds.
  @Test func rulesThatNameNobodyWaitAndTheOthersRun() throws {
    let world = World()
    try world.load(
      rule("lost", on: [EventPattern("x:go")], .wake("a")),
      rule("good", on: [EventPattern("x:go")], .actuate("lamp", .on, lease: .seconds(9))))
    #expect(
      world.of("rule:waiting").map { $0["message"]?.string } == ["it waits for agent 'a': no agent is called that"])
    world.emit("x:go")
    #expect(world.level("lamp") == 1)
    try world.adopt(doer("a"))
    world.wait(.seconds(11))
    world.emit("x:go")
    #expect(try world.lines("a").first == "1 x:go")
    #expect(world.rules.listRules().allSatisfy { $0.lastError == nil })
    #expect(world.rules.rules(naming: "a") == ["lost"])
  }

  @Test func nothingOfARuleThatWaitsIsCarriedOut() throws {
    try world.load(
      rule("acts", on: go, .actuate("lamp", .on, lease: .seconds(9)), .wake("nobody")) {
        $0.cooldown = .seconds(60)
      },
      rule("else", on: go, .actuate("fan", .on, lease: .seconds(9))) { $0.otherwise = [.wake("nobody")] })
    world.emit("x:go")
    let waits = "it waits for agent 'nobody': no agent is called that"
    #expect(world.level("lamp") == 0 && world.level("fan") == 0 && world.of("rule:fired").isEmpty && errors().isEmpty)
    #expect(world.rules.listRules().allSatisfy { $0.lastError == waits && $0.fired == 0 && $0.failed == 0 })
    let verdicts = world.rules.testRules(world.log.publish("x:go", from: "client/test"))
    #expect(verdicts.allSatisfy { !$0.fires && $0.reason == "no condition; \(waits)" }, "\(verdicts)")
    world.settle()
    try world.adopt(doer("nobody"))
    world.emit("x:go")
    #expect(world.level("lamp") == 1 && world.level("fan") == 1)
    #expect(try world.lines("nobody") == ["1 x:go"])
    #expect(world.rules.listRules().allSatisfy { $0.lastError == nil && $0.fired == 1 })
  }

  /// A leak closes the valve, whatever has become of the agent that would have told of it.
  @Test func aRuleThatWaitsStillMakesOutputsSafe() throws {
    try world.hardware.controlActuator("fan", .on, lease: .seconds(25), as: .named("client/alice"))
    try world.load(
      rule(
        "leak", on: go, .wake("nobody"), .actuate("lamp", .on, lease: .seconds(9)), .actuate("fan", .off, lease: nil)))
    world.emit("x:go")
    #expect(world.level("fan") == 0 && world.level("lamp") == 0 && errors().isEmpty)
    let status = try #require(world.rules.listRules().first)
    #expect(status.fired == 1 && status.failed == 0)
    #expect(status.lastError == "it waits for agent 'nobody': no agent is called that")
  }

  @Test func aFiringFailsOnceAndKeepsItsFirstCause() throws {
    try world.hardware.controlActuator("fan", .on, lease: .seconds(25), as: .named("client/alice"))
    try world.load(
      rule("r", on: go, .actuate("fan", .on, lease: nil)) { $0.otherwise = [.actuate("lmap", .on, lease: nil)] })
    world.emit("x:go")
    let status = try #require(world.rules.listRules().first)
    #expect(status.fired == 1 && status.failed == 1)
    #expect(
      status.lastError == "actuate(fan, on): 'fan' is held by client/alice; else: actuate(lmap, on): "
        + "no actuator 'lmap' on this board (did you mean 'lamp'?)")
    #expect(errors().count == 2)
  }

  /// A leak closes the valve whoever has opened it. Rules are one holder: one may change what another has taken, but not
  /// what a person has.
  @Test func rulesMayMakeAnythingSafe() throws {
    let world = World()
    try world.load(
      rule("water", on: [EventPattern("x:water")], .actuate("lamp", .on, lease: .seconds(60))),
      rule("leak", on: [EventPattern("x:leak")], .actuate("lamp", .off, lease: nil)),
      rule("dim", on: [EventPattern("x:dim")], .actuate("lamp", .level(0.5), lease: .seconds(1))))
    world.emit("x:water")
    world.emit("x:dim")
    #expect(world.level("lamp") == 0.5)
    world.emit("x:leak")
    #expect(world.level("lamp") == 0)
    #expect(world.of("rule:error").isEmpty)
    _ = try world.hardware.controlActuator("lamp", .on, as: Principal(name: "client/ada", permissions: .all))
    world.emit("x:dim")
    #expect(world.level("lamp") == 1)
    world.emit("x:leak")
    #expect(world.level("lamp") == 0)
    #expect(world.of("rule:error").map { $0["rule"]?.string } == ["dim"])
  }

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

  @Test func whatCannotBeDoneEndsTheListAndIsCounted() throws {
    try world.hardware.controlActuator("fan", .on, lease: .seconds(25), as: .named("client/alice"))
    try world.adopt(doer("idle"))
    try world.load(
      rule("device", on: go, .actuate("lmap", .on, lease: nil), .emit("y:device", [])),
      rule("idle", on: go, .kill("idle"), .emit("y:idle", [])),
      rule("payload", on: go, .emit("y:w", [.init(name: "v", expression: "n")]), .emit("y:payload", [])),
      rule("held", on: go, .actuate("lamp", .on, lease: nil), .actuate("fan", .on, lease: nil), .emit("y:held", [])) {
        $0.otherwise = [.emit("y:else", [.init(name: "who", expression: "event.source")])]
        $0.cooldown = .seconds(3600)
        $0.maxPerHour = 2
      })
    world.emit("x:go")
    #expect(
      errors() == [
        "no actuator 'lmap' on this board (did you mean 'lamp'?)", "no such attribute 'n'",
        "'fan' is held by client/alice",
      ])
    let fired = world.of("rule:fired")
    #expect(world.of("rule:error").allSatisfy { error in fired.contains { $0.id == error.cause } })
    #expect(world.of("rule:error").last?["action"] == "actuate(fan, on)")
    // What is there no more to be ended has ended; nothing else comes after a failure but what `else` says.
    #expect(world.events.map(\.type).filter { $0.hasPrefix("y:") } == ["y:idle", "y:else"])
    #expect(world.of("y:else").first?["who"] == "client/test" && world.level("lamp") == 1)
    let held = try #require(world.rules.listRules().last)
    #expect(held.fired == 1 && held.failed == 1 && held.lastError == "actuate(fan, on): 'fan' is held by client/alice")
    #expect(held.actions.last == "else emit(y:else, who: event.source)" && held.actions.count == 4)

    // It is tried again, not at once, and as if it had not fired; the same reason is told once.
    world.wait(.seconds(9))
    world.emit("x:go")
    #expect(world.rules.listRules().last?.fired == 1)
    #expect(
      world.rules.testRules(world.log.publish("x:go", from: "client/test")).last?.reason.contains("failed") == true)
    for _ in 0..<2 {
      world.wait(.seconds(10))
      world.emit("x:go")
    }
    #expect(world.rules.listRules().last.map { [$0.fired, $0.failed] } == [3, 2])
    #expect(world.of("y:held").count == 1 && errors().filter { $0.contains("alice") }.count == 1)
    #expect(world.hardware.devices().first { $0.id == "fan" }?.holder == "rule/held")
    // And now it has fired.
    world.wait(.seconds(20))
    world.emit("x:go")
    #expect(world.rules.listRules().last?.fired == 3)
  }

  @Test func aFailedFiringOpensNoThrottleWindow() throws {
    try world.hardware.controlActuator("fan", .on, lease: .seconds(15), as: .named("client/alice"))
    try world.load(rule("r", on: go, .actuate("fan", .on, lease: nil)) { $0.throttle = .seconds(600) })
    world.emit("x:go")
    world.wait(.seconds(16))
    world.emit("x:go")
    #expect(world.rules.listRules().first.map { [$0.fired, $0.failed] } == [2, 1])
    #expect(world.hardware.devices().first { $0.id == "fan" }?.holder == "rule/r")
  }

  @Test func anAgentThatCannotTakeItIsAnErrorOfTheRule() throws {
    try world.adopt(doer("a") { $0.policy.maxRestarts = 0 })
    try world.load(rule("wake", on: [EventPattern("do:fail"), EventPattern("x:go")], .wake("a")))
    world.emit("do:fail")
    world.emit("x:go")
    #expect(errors() == ["agent 'a' is quarantined (failed: on purpose); 'openstarry restart a' releases it"])
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

  /// An event that an agent emits in the middle of an activation is looked at when that has ended, with what the agent
  /// says of itself then; what has nothing to do with its state is not held up.
  @Test func theStateOfAnAgentIsThatAfterTheActivationOfItsEvent() throws {
    try world.adopt(slowAgent("s"))
    try world.load(
      rule("wake", on: go, .wake("s")),
      rule("state", on: [EventPattern("s:done")], if: "state('s').finished == n", .emit("y:z", [])),
      rule("plain", on: [EventPattern("s:begun")], .emit("y:begun", [])))
    for n in 1...3 {
      world.emit("x:go")
      let instance = try #require(world.slow.instances.last)
      _ = try instance.host.emit("s:begun", [:])
      _ = try instance.host.emit("s:done", ["n": .int(Int64(n))])
      world.settle()
      #expect(world.of("y:begun").count == n && world.of("y:z").count == n - 1)
      instance.finish()
      world.settle()
      #expect(world.of("y:z").count == n, "\(errors())")
    }
    // Between activations it is what it was after the last, and an agent that ends holds up nobody.
    world.emit("s:done", ["n": 3])
    #expect(world.of("y:z").count == 4)
    world.emit("x:go")
    let instance = try #require(world.slow.instances.last)
    _ = try instance.host.emit("s:done", ["n": 3])
    try world.agents.killAgent("s", now: true, cause: nil) {}
    instance.end()
    world.settle()
    #expect(world.of("y:z").count == 5)
  }

  /// Nothing is looked at before there is something to see, and no other rule waits for that.
  @Test func aRuleWaitsForTheFirstMeasurementOfASensor() throws {
    try world.backend.inject("humidity", ["value": 80])
    try world.backend.inject("humidity", ["fault": "slow", "delay": "3s"])
    try world.backend.inject("temperature", ["fault": "timeout", "delay": "2s"])
    try world.load(
      rule("ask", on: go, if: "sensor('humidity') > 70.0", .emit("y:z", [])),
      rule("dead", on: go, if: "sensor('temperature') > 70.0", .emit("y:z", [])),
      rule("plain", on: go, .emit("y:plain", [])))
    world.emit("x:go")
    #expect(world.of("y:plain").count == 1 && world.of("y:z").isEmpty && errors().isEmpty)
    world.wait(.seconds(3))
    #expect(world.of("y:z").count == 1 && world.of("y:plain").count == 1)
    #expect(errors().count == 1 && errors().first?.contains("sensor('temperature'): ") == true)
  }

  /// A value is as old as the sensor's period allows, also after the rules were read again.
  @Test func aStaleSensorGivesNoValue() throws {
    try world.backend.inject("humidity", ["value": 80])
    let ask = rule("ask", on: go, if: "sensor('humidity') > 70.0", .emit("y:z", []))
    try world.load(ask)
    // It was measured although no rule has asked yet.
    world.wait(.seconds(2))
    world.emit("x:go")
    #expect(world.of("y:z").count == 1 && errors().isEmpty)
    // One failed transfer is nothing.
    try world.backend.inject("humidity", ["fault": "timeout", "count": 1])
    world.wait(.milliseconds(1500))
    world.emit("x:go")
    #expect(world.of("y:z").count == 2, "\(errors())")
    try world.backend.inject("humidity", ["fault": "timeout"])
    world.wait(.seconds(60))
    world.emit("x:go")
    #expect(world.of("y:z").count == 2 && errors().count == 1)
    try world.load(ask, rule("other", on: go, .emit("y:other", [])))
    world.emit("x:go")
    #expect(world.of("y:z").count == 2 && errors().count == 1)
  }

  @Test func whyAQuestionHasNoAnswerIsSaidExactly() throws {
    try world.backend.inject("temperature", ["fault": "slow", "delay": "5s"])
    try world.load(
      rule("typo", on: go, if: "sensor('temprature') > 1", .emit("y:z", [])),
      rule("actuator", on: go, if: "sensor('fan') > 1", .emit("y:z", [])),
      // Which sensor it asks about is known only now, so that it cannot have waited for it.
      rule("early", on: go, if: "sensor(name) > 1", .emit("y:z", [])),
      rule("agent", on: go, if: "state('climat').x == 1", .emit("y:z", [])))
    for _ in 0..<2 { world.emit("x:go", ["name": "temperature"]) }
    #expect(
      errors() == [
        "sensor('temprature'): no sensor 'temprature' on this board (did you mean 'temperature'?)"
          + " (column 1 of 'sensor('temprature') > 1')",
        "sensor('fan'): 'fan' is an actuator, not a sensor (column 1 of 'sensor('fan') > 1')",
        "sensor('temperature'): its first measurement is under way (column 1 of 'sensor(name) > 1')",
        "state('climat'): no agent 'climat' is registered (column 1 of 'state('climat').x == 1')",
      ])
  }

  @Test func whatFailedIsNamedAsTheFileHasIt() throws {
    try world.adopt(doer("paused"))
    world.agents.isPaused = true
    // A rule each: what comes after an action that fails is not tried.
    try world.load(
      rule("a", on: go, .wake("paused")), rule("b", on: go, .actuate("nothing", .level(0.4), lease: .seconds(3))),
      rule("c", on: go, .actuate("none", .pulse(.milliseconds(500)), lease: nil)))
    world.emit("x:go")
    #expect(
      world.of("rule:error").compactMap { $0["action"]?.string } == [
        "wake(paused)", "actuate(nothing, 0.4, lease: 3s)", "actuate(none, pulse 500ms)",
      ])
  }

  @Test func missedEntriesAndStepsOfTheClockAreEvents() throws {
    var night = rule("night", on: [], .emit("y:z", []))
    night.trigger = .cron("0 3 * * *")
    try world.load(night)
    let world = world
    world.clock.onWallSet = { [unowned world] in world.rules.boardClock.wasSet() }
    world.clock.jumpWall(by: .seconds(8 * 3600))
    world.settle()
    #expect(world.of("system:clock_set").map { $0["by_ms"] } == [28_800_000])
    let missed = try #require(world.of("rule:missed").first)
    #expect(missed["entries"]?.list?.count == 1)
    #expect(EventSentence.text(missed).hasSuffix("night 03:00"))
    world.clock.jumpWall(by: .milliseconds(-400))
    #expect(world.of("system:clock_set").count == 1)
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

  @Test func theProjectionHoldsEverything() throws {
    try world.adopt(doer("a"))
    try world.load(rule("r", on: go, .wake("a"), .actuate("lamp", .on, lease: .seconds(9))))
    world.emit("x:go")
    var tree: Fields?
    Projection(
      agents: world.agents, hardware: world.hardware, rules: world.rules, events: world.log, clock: world.clock
    ).read { tree = $0 }
    let state = Value.map(try #require(tree))
    #expect(state["agents"]?["a"]?["report"] == ["handled": 1])
    #expect(state["agents"]?["a"]?["activations"] == 1)
    #expect(state["devices"]?["lamp"]?["holder"] == "rule/r")
    #expect(state["devices"]?["lamp"]?["lease_ms"] == 9000)
    #expect(state["rules"]?["r"]?["fired"] == 1)
  }
}
