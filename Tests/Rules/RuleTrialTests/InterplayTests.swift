import Model
import Rules
import Testing

/// Rules together with what happens around them: chains of events, people, restarts, edited files.
@Suite struct InterplayTests {
  private let lamps = """
    devices:
      a: { kind: actuator }
      b: { kind: actuator }
      heater: { kind: actuator }
      temp: { kind: sensor, every: 1s }
      motion: { kind: input }
    """

  /// An event that is cut from its chain is a change all the same.
  @Test func aCutChainLeavesNothingLasting() throws {
    let devices =
      "devices:\n" + (0..<300).map { "  l\($0): { kind: actuator }\n  m\($0): { kind: actuator }\n" }.joined()
    let rules = (0..<300).map { number in
      """
        - { id: come\(number), on: "house:come", action: "actuate(l\(number), on, lease: 10m)" }
        - { id: leave\(number), on: "house:leave", action: "actuate(l\(number), off)" }
        - { id: follow\(number), while: "device('l\(number)').state > 0.0", keep: { m\(number): on } }
      """
    }
    let situation = try Situation(devices, "rules:\n" + rules.joined(separator: "\n"))
    let trial = situation.trial
    trial.emit("house:come")
    trial.wait(.seconds(5))
    let on = (0..<300).filter { trial.level(of: DeviceID("l\($0)")) == 1 }
    #expect(on.count > 100)
    #expect(on.filter { trial.level(of: DeviceID("m\($0)")) != 1 } == [])
    trial.emit("house:leave")
    trial.wait(.seconds(5))
    for number in on where trial.level(of: DeviceID("l\(number)")) == 0 {
      #expect(trial.level(of: DeviceID("m\(number)")) == 0, "m\(number)")
    }
  }

  @Test func aRuleThatEndsItselfIsHeldAndKeepsNothing() throws {
    let situation = try Situation(
      lamps,
      """
      vars: { full: false }
      rules:
        - { id: fill, while: "!vars.full", keep: { a: on }, action: "set(full, true)", end: "set(full, false)" }
      """)
    var wasLasting = false
    for _ in 0..<60 {
      situation.trial.wait(.milliseconds(500))
      let rule = try #require(situation.trial.rules.listRules().first)
      // Its condition is true whenever it lasts, and it does not begin for ever.
      if rule.state == .lasting { #expect(situation.trial.rules.variables["full"] == false) }
      wasLasting = wasLasting || rule.fired > 0
      #expect(rule.fired <= 16 * 4)
    }
    #expect(wasLasting && situation.trial.level(of: "a") == 0)
  }

  private func heatingThatAPersonSwitchesOff() throws -> Situation {
    let situation = try Situation(
      lamps, "rules:\n  - { id: heating, while: \"sensor('temp') < 20\", keep: { heater: on } }")
    let trial = situation.trial
    try trial.simulate("temp", ["value": 15.0])
    trial.wait(.seconds(3))
    #expect(trial.level(of: "heater") == 1)
    try trial.set("heater", .off)
    trial.wait(.seconds(1))
    #expect(trial.level(of: "heater") == 0)
    return situation
  }

  @Test func whatAPersonKeepsOffStaysOffAfterARestart() throws {
    for isCrash in [false, true] {
      let situation = try heatingThatAPersonSwitchesOff()
      let trial = situation.trial
      trial.restart(isCrash: isCrash)
      trial.wait(.seconds(10))
      #expect(trial.level(of: "heater") == 0, "after a restart")
      trial.wait(.seconds(3600))
      #expect(trial.level(of: "heater") == 1, "an hour at most")
    }
  }

  @Test func aSuspensionEndsWithItsRule() throws {
    let situation = try heatingThatAPersonSwitchesOff()
    let trial = situation.trial
    trial.restart()
    try trial.simulate("temp", ["value": 25.0])
    trial.wait(.seconds(15))
    try trial.simulate("temp", ["value": 15.0])
    trial.wait(.seconds(3))
    #expect(trial.level(of: "heater") == 1)
  }

  @Test func aRenamedRuleHandsItsOutputOver() throws {
    func rules(_ id: String) -> String { "rules:\n  - { id: \(id), while: \"input('motion')\", keep: { a: 60% } }" }
    let situation = try Situation(lamps, rules("one"))
    let trial = situation.trial
    try trial.simulate("motion", ["active": true])
    trial.wait(.seconds(1))
    let before = trial.levels(of: "a").count
    try trial.reload(try Situation.rules(rules("two"), trial.board))
    trial.wait(.seconds(2))
    #expect(trial.levels(of: "a").dropFirst(before).allSatisfy { $0 == 0.6 })
    #expect(trial.output("a")?.holder == "rule/two")
  }

  @Test func aNewNameDoesNotSwitchOnWhatAPersonHasSwitchedOff() throws {
    func rules(_ id: String) -> String { "rules:\n  - { id: \(id), while: \"input('motion')\", keep: { a: on } }" }
    let situation = try Situation(lamps, rules("one"))
    let trial = situation.trial
    try trial.simulate("motion", ["active": true])
    trial.wait(.seconds(1))
    try trial.set("a", .off)
    for name in ["two", "three"] {
      try trial.reload(try Situation.rules(rules(name), trial.board))
      trial.wait(.seconds(5))
      #expect(trial.level(of: "a") == 0)
      trial.restart()
      trial.wait(.seconds(5))
      #expect(trial.level(of: "a") == 0, "after a restart")
    }
    try trial.simulate("motion", ["active": false])
    trial.wait(.seconds(1))
    try trial.simulate("motion", ["active": true])
    trial.wait(.seconds(1))
    #expect(trial.level(of: "a") == 1)
  }

  @Test func anAllowanceOutlivesItsRule() throws {
    let rule = "rules:\n  - { id: dose, while: \"input('motion')\", keep: { a: on }, at_most: 20s/d }"
    let situation = try Situation(lamps, rule)
    let trial = situation.trial
    try trial.simulate("motion", ["active": true])
    trial.wait(.seconds(30))
    #expect(trial.level(of: "a") == 0)
    try trial.reload(try Situation.rules("rules: []", trial.board))
    trial.wait(.seconds(1))
    trial.restart()
    trial.wait(.seconds(1))
    try trial.reload(try Situation.rules(rule, trial.board))
    trial.wait(.seconds(5))
    #expect(trial.level(of: "a") == 0)
  }

  private func lamp(_ id: String) -> String {
    "rules:\n  - { id: \(id), while: \"input('motion')\", keep: { a: on } }"
  }

  @Test func aNewNameAtARestartDoesNotEither() throws {
    let situation = try Situation(lamps, lamp("one"))
    let trial = situation.trial
    try trial.simulate("motion", ["active": true])
    trial.wait(.seconds(1))
    try trial.set("a", .off)
    trial.wait(.seconds(1))
    trial.restart(isCrash: true, with: try Situation.rules(lamp("two"), trial.board))
    trial.wait(.seconds(60))
    #expect(trial.level(of: "a") == 0)
    trial.wait(.seconds(3600))
    #expect(trial.level(of: "a") == 1, "an hour at most")
  }

  @Test func aNewNameDoesNotUndoAnEmergencyStop() throws {
    for isRestart in [false, true] {
      let situation = try Situation(lamps, lamp("one"))
      let trial = situation.trial
      try trial.simulate("motion", ["active": true])
      trial.wait(.seconds(1))
      trial.stop()
      try trial.clear()
      trial.wait(.seconds(1))
      let other = try Situation.rules(lamp("two"), trial.board)
      if isRestart { trial.restart(with: other) } else { try trial.reload(other) }
      trial.wait(.seconds(60))
      #expect(trial.rules.listRules().map(\.state) == [.stopped])
      #expect(trial.level(of: "a") == 0)
      trial.restart()
      trial.wait(.seconds(60))
      #expect(trial.level(of: "a") == 0, "after a restart")
      #expect(trial.rules.resumeRule("two") == true)
      trial.wait(.seconds(1))
      #expect(trial.level(of: "a") == 1)
    }
  }

  @Test func aRuleThatComesBackIsStoppedAsItWas() throws {
    let situation = try Situation(lamps, lamp("one"))
    let trial = situation.trial
    try trial.simulate("motion", ["active": true])
    trial.wait(.seconds(1))
    trial.stop()
    try trial.clear()
    for isRestart in [false, true] {
      try trial.reload(try Situation.rules("rules: []", trial.board))
      trial.wait(.seconds(1))
      if isRestart { trial.restart() }
      try trial.reload(try Situation.rules(lamp("one"), trial.board))
      trial.wait(.seconds(60))
      #expect(trial.level(of: "a") == 0)
    }
  }

  @Test func aRuleThatComesBackIsDisabledAsItWas() throws {
    let rules = """
      rules:
        - { id: bell, on: "house:come", action: "actuate(b, on, lease: 10m)" }
        - { id: light, while: "input('motion')", keep: { a: on } }
      """
    let situation = try Situation(lamps, rules)
    let trial = situation.trial
    for rule in ["bell", "light"] { #expect(trial.rules.setRule(RuleID(rule), enabled: false) == true) }
    for isRestart in [false, true] {
      try trial.reload(try Situation.rules("rules: []", trial.board))
      trial.wait(.seconds(1))
      if isRestart { trial.restart() }
      try trial.reload(try Situation.rules(rules, trial.board))
      try trial.simulate("motion", ["active": true])
      trial.emit("house:come")
      trial.wait(.seconds(1))
      #expect(trial.level(of: "a") == 0 && trial.level(of: "b") == 0)
    }
    for rule in ["bell", "light"] { #expect(trial.rules.setRule(RuleID(rule), enabled: true) == true) }
    trial.emit("house:come")
    trial.wait(.seconds(1))
    #expect(trial.level(of: "a") == 1 && trial.level(of: "b") == 1)
  }
}
