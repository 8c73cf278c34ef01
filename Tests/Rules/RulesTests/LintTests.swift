import Model
import Rules
import Testing

/// Rules that are valid, and probably not what was meant.
@Suite struct LintTests {
  private func advice(_ rules: RuleDeclaration..., variables: [RuleVariable] = []) throws -> [String] {
    let first = Fields(variables.map { ($0.name, $0.value) })
    return try RuleSet(compiling: rules, variables: first).advice(about: variables).map(\.message)
  }

  @Test func aThresholdWithoutHysteresis() throws {
    let found = try advice(state("fan", while: "sensor('temp') > 28.5"))
    #expect(found.count == 1 && found[0].hasPrefix("rule 'fan': near 28.5 a sensor that is not steady"))
    #expect(try advice(state("fan", while: "sensor('temp') > 28.5", for: .seconds(60))).isEmpty)
    #expect(try advice(state("fan", while: "sensor('temp') > 28.5") { $0.linger = .seconds(60) }).isEmpty)
    #expect(try advice(state("fan", while: "input('motion')")).isEmpty)
    #expect(try advice(state("fan", while: "sensor('temp') > 28.5", until: "sensor('temp') < 26.0")).isEmpty)
  }

  @Test func limitsThatOverlap() throws {
    for (begins, ends) in [
      ("sensor('t') < 20.0", "sensor('t') > 18.0"), ("30 < sensor('t')", "sensor('t') <= 32.0"),
    ] {
      let found = try advice(state("heating", while: begins, until: ends))
      #expect(found.count == 1 && found[0].contains("both 'when' and 'until' are true"), "\(begins) \(ends): \(found)")
    }
    #expect(try advice(state("heating", while: "sensor('t') < 20.0", until: "sensor('u') > 18.0")).isEmpty)
  }

  @Test func aMessageWithEachReading() throws {
    var rule = hot { $0.actions = [.notify([EmitField(name: "text", expression: "'hot'")], to: nil, picture: nil)] }
    let found = try advice(rule)
    #expect(found.count == 1 && found[0].hasPrefix("rule 'hot': it does 'notify' again with each reading"))
    rule.cooldown = .seconds(3600)
    #expect(try advice(rule).isEmpty)
    #expect(try advice(hot()).isEmpty)
  }

  @Test func aRuleThatReadsItsOwnOutput() throws {
    let found = try advice(state("blink", while: "device('out').state == 0.0"))
    #expect(found.count == 1 && found[0].contains("reads the level of 'out'"))
    #expect(try advice(state("blink", while: "device('other').state == 0.0")).isEmpty)
    #expect(try advice(state("rest", while: "device('out').on_time < duration('10m')")).isEmpty)
  }

  @Test func anOutputAtSeveralLevels() throws {
    func kept(_ id: RuleID, _ level: Double) -> RuleDeclaration {
      state(id, while: "input('\(id)')") { $0.keep = [.init("light", .fixed(level))] }
    }
    let found = try advice(kept("day", 1), kept("night", 0.2))
    #expect(
      found == [
        "rules 'day' and 'night' keep 'light' at different levels: while both last, 'night' has it, "
          + "because it is later in the file"
      ])
    #expect(try advice(kept("day", 1), kept("night", 1)).isEmpty)
    // A shadow keeps nothing from anybody.
    var night = kept("night", 0.2)
    night.shadow = true
    #expect(try advice(kept("day", 1), night).isEmpty)
  }

  @Test func aVariableThatNoRuleReads() throws {
    #expect(
      try advice(
        state("alarm", while: "vars.armed && input('door')"),
        variables: [RuleVariable("armed", false), RuleVariable("spare", 1)]) == ["no rule reads 'vars.spare'"])
  }
}
