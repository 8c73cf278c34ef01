import Agent
import HAL
import HALTestKit
import Model
import Rules
import Testing

@testable import Orchestrator

/// Rules that are evaluated and fire, and move nothing.
@Suite struct ShadowRuleTests {
  private let world = World()
  private let go = [EventPattern("x:go")]

  private func shadow(
    _ id: RuleID, on patterns: [EventPattern], _ actions: RuleDeclaration.Action...,
    change: (inout RuleDeclaration) -> Void = { _ in }
  ) -> RuleDeclaration {
    var declaration = RuleDeclaration(
      id: id, trigger: .events(patterns), actions: actions, location: Location(file: "rules.yaml", line: 1, column: 1))
    declaration.shadow = true
    change(&declaration)
    return declaration
  }

  private func state(
    _ id: RuleID, when begins: String, until ends: String, keep device: DeviceID, isShadow: Bool
  ) -> RuleDeclaration {
    let place = Location(file: "rules.yaml", line: 1, column: 1)
    var declaration = RuleDeclaration(
      id: id,
      trigger: .state(
        StateRule(
          begins: .init(text: begins, location: place), ends: .init(text: ends, location: place),
          keep: [.init(device, .fixed(1))])),
      actions: [], location: place)
    declaration.shadow = isShadow
    return declaration
  }

  private func compared(_ rule: RuleID, _ device: DeviceID) throws -> ShadowComparison.Output {
    let found = try #require(world.agents.shadows.compare(.rule(rule), last: nil))
    return try #require(found.outputs.first { $0.device == device })
  }

  private func deeds(_ rule: RuleID) -> [String: UInt64] {
    world.agents.shadows.compare(.rule(rule), last: nil)?.deeds.mapValues(\.count) ?? [:]
  }

  private func status(_ id: RuleID) -> RuleStatus? { world.rules.listRules().first { $0.id == id } }

  private func heat(_ value: Double) throws {
    try world.backend.inject("temperature", ["value": .double(value)])
    world.wait(.seconds(2))
  }

  @Test func noActionOfAShadowIsCarriedOut() throws {
    let place = Location(file: "rules.yaml", line: 1, column: 1)
    try world.adopt(doer("a"))
    try world.adopt(doer("b"))
    try world.adopt(
      doer("hears") {
        $0.subscribe = ["rule:shadowed", "rule:fired", "rule:log", "rule:error", "timer:*", "y:*"].map {
          EventPattern($0)
        }
      })
    _ = try world.agents.spawnAgent("b", cause: nil)
    try world.load(
      shadow(
        "all", on: go, .spawn("a"), .wake("a"), .kill("b"), .actuate("lamp", .on, lease: .seconds(5)), .release("lamp"),
        .emit("y:said", [.init(name: "twice", expression: "n * 2")]),
        .notify([.init(name: "text", expression: "'hot'")], to: nil, picture: nil),
        .log([.init(name: "text", expression: "'line'")]), .wait(.seconds(1)),
        .actuate("fan", .on, lease: .seconds(3))),
      rule(
        "listens",
        on: ["rule:fired", "rule:shadowed", "rule:log", "rule:error", "rule:notify", "y:*", "device:*"].map {
          EventPattern($0)
        }, .actuate("lamp", .on, lease: .seconds(60))),
      // One that is told by its own timer.
      RuleDeclaration(
        id: "timer", trigger: .every(.seconds(1)), actions: [.actuate("lamp", .on, lease: nil)], location: place
      )
      .asShadow,
      rule("hears-timer", on: [EventPattern("timer:timer")], .actuate("lamp", .on, lease: .seconds(60))))
    world.emit("x:go", ["n": 21])
    world.wait(.seconds(10))
    #expect(world.level("lamp") == 0 && world.level("fan") == 0 && world.of("device:changed").isEmpty)
    #expect(try world.state("a") == .idle && world.state("b") == .ready)
    #expect(world.of("y:said").isEmpty && world.of("rule:notify").isEmpty && world.rules.messages.isEmpty)
    #expect(world.of("rule:fired").isEmpty && world.of("rule:log").count == 1)
    #expect(try world.lines("hears").isEmpty)
    #expect(deeds("all") == ["fire": 1, "spawn": 1, "wake": 1, "kill": 1, "emit": 1, "notify": 1])
    #expect(try compared("all", "fan").would == ShadowComparison.Use(onTime: .seconds(3), switchings: 2))
    #expect(status("all")?.fired == 1 && status("all")?.isShadow == true && status("listens")?.isShadow == false)
    #expect((status("timer")?.fired ?? 0) >= 9)
    // The whole chain is there.
    let event = try #require(world.of("rule:shadowed").first { $0["device"] == "fan" })
    #expect(world.log.chain(to: event.id).map(\.type) == ["x:go", "rule:shadowed", "rule:shadowed"])
  }

  @Test func aShadowSetsNoVariable() throws {
    world.rules.enforce(
      try RuleSet(
        compiling: [shadow("sets", on: go, .set("armed", [.init(name: "value", expression: "true")]))],
        variables: ["armed": false]))
    world.emit("x:go")
    #expect(deeds("sets") == ["fire": 1, "set": 1] && world.of("rule:error").isEmpty)
    #expect(world.of("rule:variable").isEmpty && world.rules.variables["armed"] == false)
  }

  @Test func aRefusedCommandOfAShadowEndsItsListAsUsual() throws {
    let world = World([.actuator("fan", ActuatorSettings(minOff: .seconds(20))), .actuator("lamp")])
    try world.load(
      shadow("r", on: go, .actuate("fan", .on, lease: .seconds(5)), .emit("y:held", [])) {
        $0.otherwise = [.emit("y:else", [])]
      })
    world.emit("x:go")
    let found = try #require(world.agents.shadows.compare(.rule("r"), last: nil))
    #expect(found.outputs.first?.refused == ["min_off": 1] && found.deeds["emit"]?.newest.first?.text == "emit(y:else)")
    #expect(world.rules.listRules().first?.failed == 1)
  }

  @Test func twoStateRulesSideBySide() throws {
    try heat(20)
    try world.load(
      state(
        "old", when: "sensor('temperature') > 30", until: "sensor('temperature') < 28", keep: "fan", isShadow: false),
      state("new", when: "sensor('temperature') > 26", until: "sensor('temperature') < 24", keep: "fan", isShadow: true)
    )
    try heat(27)
    #expect(world.level("fan") == 0 && status("new")?.state == .lasting && status("new")?.claim == .held)
    // A lease is renewed for as long as the rule lasts.
    world.wait(.seconds(200))
    try heat(31)
    world.wait(.seconds(100))
    #expect(world.level("fan") == 1 && world.hardware.output("fan")?.holder == "rule/old")
    #expect(status("old")?.claim == .held && status("new")?.claim == .held)
    try heat(20)
    world.wait(.seconds(100))
    #expect(world.level("fan") == 0)
    let fan = try compared("new", "fan")
    #expect(fan.would.switchings == 2 && fan.did.switchings == 2)
    #expect((.seconds(303)...(.seconds(307))).contains(fan.would.onTime), "\(fan.would)")
    #expect((.seconds(100)...(.seconds(104))).contains(fan.did.onTime), "\(fan.did)")
    #expect(fan.differs == fan.would.onTime - fan.did.onTime)
    #expect(deeds("new") == ["begin": 1, "end": 1])
    #expect(world.of("rule:began").map { $0["rule"] } == ["old"])
  }

  /// Claims that are imagined win over nobody.
  @Test func aShadowIsNotTheHeirOfAnOutput() throws {
    try heat(31)
    try world.load(
      state("new", when: "sensor('temperature') > 30", until: "sensor('temperature') < 24", keep: "fan", isShadow: true)
    )
    world.wait(.seconds(2))
    try world.hardware.controlActuator("fan", .on, lease: .seconds(5), as: .named("client/ada"))
    world.wait(.seconds(10))
    #expect(world.level("fan") == 0 && world.hardware.output("fan")?.holder == nil)
    #expect(status("new")?.claim == .held)
  }

  @Test func aPersonsOffKeepsItOffAsItWould() throws {
    try heat(31)
    try world.load(
      state("new", when: "sensor('temperature') > 30", until: "sensor('temperature') < 24", keep: "fan", isShadow: true)
    )
    world.wait(.seconds(5))
    try world.hardware.controlActuator("fan", .off, as: .named("client/ada"))
    world.wait(.seconds(5))
    guard case .suspended(by: "client/ada", _)? = status("new")?.claim else {
      Issue.record("\(String(describing: status("new")?.claim))")
      return
    }
    #expect(try compared("new", "fan").would.switchings == 2)
    #expect(world.rules.resumeRule("new"))
    world.wait(.seconds(1))
    #expect(status("new")?.claim == .held)
  }

  @Test func aRuleBecomesAShadowAndBack() throws {
    func rules(_ isShadow: Bool) -> RuleDeclaration {
      state(
        "heat", when: "sensor('temperature') > 30", until: "sensor('temperature') < 24", keep: "fan", isShadow: isShadow
      )
    }
    try heat(31)
    try world.load(rules(false))
    world.wait(.seconds(2))
    #expect(world.level("fan") == 1)
    try world.load(rules(true))
    world.wait(.seconds(5))
    #expect(world.level("fan") == 0 && status("heat")?.claim == .held)
    #expect((try compared("heat", "fan").would.onTime) > .seconds(4))
    try world.load(rules(false))
    world.wait(.seconds(2))
    #expect(world.level("fan") == 1 && world.hardware.output("fan")?.holder == "rule/heat")
    #expect(world.agents.shadows.compare(.rule("heat"), last: nil) == nil)
    try world.load()
    world.wait(.seconds(2))
    #expect(world.level("fan") == 0)
  }

  /// As real rules are: one may end what another has begun.
  @Test func shadowRulesAreOneParty() throws {
    try world.load(
      shadow("on", on: [EventPattern("x:on")], .actuate("fan", .on, lease: .seconds(60))),
      shadow("off", on: [EventPattern("x:off")], .actuate("fan", .off, lease: nil)))
    world.emit("x:on")
    world.wait(.seconds(5))
    world.emit("x:off")
    world.wait(.seconds(60))
    #expect(try compared("on", "fan").would == ShadowComparison.Use(onTime: .seconds(5), switchings: 2))
    #expect(try compared("off", "fan").would == compared("on", "fan").would)
    // Whose record goes on with the file that does not change it.
    try world.load(
      shadow("on", on: [EventPattern("x:on")], .actuate("fan", .on, lease: .seconds(60))))
    #expect(deeds("on") == ["fire": 1] && world.agents.shadows.compare(.rule("off"), last: nil) == nil)
  }

  @Test func theLeaseOfAShadowRuleThatIsGoneEnds() throws {
    try world.load(shadow("on", on: go, .actuate("fan", .on, lease: .seconds(600))))
    world.emit("x:go")
    world.wait(.seconds(5))
    try world.load(shadow("on", on: go, .actuate("fan", .on, lease: .seconds(300))))
    #expect(world.of("rule:shadowed").last?["reason"] == "holder-ended")
    world.wait(.seconds(5))
    #expect(try compared("on", "fan").would.onTime == .zero && deeds("on").isEmpty)
  }

  @Test func anEmergencyStopEndsWhatShadowRulesKeep() throws {
    try heat(31)
    try world.load(
      state(
        "new", when: "sensor('temperature') > 30", until: "sensor('temperature') < 24", keep: "fan", isShadow: true),
      shadow("event", on: go, .actuate("lamp", .on, lease: .seconds(60))))
    world.emit("x:go")
    world.wait(.seconds(5))
    world.hardware.stopEverything(by: "client/ada")
    world.wait(.seconds(5))
    for (rule, device) in [(RuleID("new"), DeviceID("fan")), ("event", "lamp")] {
      let output = try compared(rule, device)
      #expect(output.would.switchings == 2 && output.would.onTime <= .seconds(8), "\(rule)")
    }
  }
}

extension RuleDeclaration {
  fileprivate var asShadow: RuleDeclaration {
    var rule = self
    rule.shadow = true
    return rule
  }
}
