import Config
import Model
import Testing

@Suite struct RuleFileTests {
  private func rules(_ text: String, known: KnownNames = KnownNames()) throws -> [RuleDeclaration] {
    let (rules, warnings) = try ConfigText.rules(Array(text.utf8), file: "etc/orchestration.yaml", known: known)
    #expect(warnings.isEmpty, "\(warnings)")
    return rules.rules
  }

  @Test func everythingInARuleIsRead() throws {
    let rule = try #require(
      try rules(
        """
        rules:
          - id: hot
            on: ["sensor:temperature", "git:*"]
            if: "value > 30.0"
            for: 10s
            action: ["wake(climate)", "actuate(fan, on, lease: 60s)"]
            else: "emit(fan:refused)"
            cooldown: 1m
            debounce: 2s
            throttle: 3s
            mode: queued
            max_per_hour: 6
        """
      ).first)
    #expect(rule.id == "hot")
    #expect(rule.trigger == .events([EventPattern("sensor:temperature"), EventPattern("git:*")]))
    #expect(rule.condition?.text == "value > 30.0")
    #expect(rule.condition?.location == Location(file: "etc/orchestration.yaml", line: 4, column: 10))
    #expect(rule.actions == [.wake("climate"), .actuate("fan", .on, lease: .seconds(60))])
    #expect(rule.otherwise == [.emit("fan:refused", [])])
    #expect(rule.hold == .seconds(10))
    #expect(rule.cooldown == .seconds(60))
    #expect(rule.debounce == .seconds(2))
    #expect(rule.throttle == .seconds(3))
    #expect(rule.mode == .queued)
    #expect(rule.maxPerHour == 6)
    #expect(rule.location == Location(file: "etc/orchestration.yaml", line: 2, column: 5))
  }

  @Test func defaultsTimersAndNames() throws {
    let rules = try rules(
      """
      rules:
        - {on: "*", action: kill(a)}
        - {every: 1m, if: true, action: spawn(a)}
        - {id: off, cron: "*/5 8-18 * JAN MON-FRI", action: wake(a), enabled: false}
        - {id: on, cron: "0 0 1,15 * *", action: wake('a')}
      """)
    #expect(rules.map(\.id.rawValue) == ["orchestration.yaml:2", "orchestration.yaml:3", "on"])
    #expect(
      rules.map(\.trigger) == [.events([EventPattern("*")]), .every(.seconds(60)), .cron("0 0 1,15 * *")])
    #expect(rules.map(\.actions) == [[.kill("a")], [.spawn("a")], [.wake("a")]])
    #expect(rules[0].condition == nil)
    #expect(rules[1].condition?.text == "true")
    #expect(rules[0].mode == .single)
  }

  @Test func noRulesAreRulesToo() throws {
    #expect(try rules("rules: []").isEmpty)
    #expect(try rules("rules:").isEmpty)
  }

  @Test(arguments: [
    ("wake(climate)", RuleDeclaration.Action.wake("climate")),
    ("  spawn ( climate ) ", .spawn("climate")),
    (#"kill("a.b-c_d")"#, .kill("a.b-c_d")),
    ("actuate(fan, off)", .actuate("fan", .off, lease: nil)),
    ("actuate(dim, 0.4)", .actuate("dim", .level(0.4), lease: nil)),
    ("actuate(dim, 40%, lease: 1m30s)", .actuate("dim", .level(0.4), lease: .seconds(90))),
    ("actuate(valve, pulse 500ms)", .actuate("valve", .pulse(.milliseconds(500)), lease: nil)),
    ("actuate(valve,pulse  2s,lease:3s)", .actuate("valve", .pulse(.seconds(2)), lease: .seconds(3))),
  ])
  func actions(_ text: String, _ action: RuleDeclaration.Action) throws {
    #expect(try rules("rules: [{on: 'x:y', action: ['\(text)']}]").first?.actions == [action])
  }

  @Test func emittedFieldsAreExpressionsWithTheirPlaces() throws {
    let rules = try rules(
      #"""
      rules:
        - on: x:y
          action: >-
            emit(climate:hot, value: value * 2, note: 'a, (b', f: size([1, 2]) > 1 ? {'k': "}"} : r'\', g: 1)
        - on: x:y
          action: "emit(done:now)"
      """#)
    guard case .emit("climate:hot", let fields)? = rules.first?.actions.first else {
      Issue.record("the first action is no emit")
      return
    }
    #expect(fields.map(\.name) == ["value", "note", "f", "g"])
    #expect(
      fields.map(\.expression) == ["value * 2", "'a, (b'", #"size([1, 2]) > 1 ? {'k': "}"} : r'\'"#, "1"])
    #expect(fields.map(\.location.column) == [32, 49, 61, 102])
    #expect(rules.last?.actions == [.emit("done:now", [])])
  }

  @Test func expressionsInBlocksKnowTheirLines() throws {
    let rule = try #require(
      try rules("rules:\n  - on: x:y\n    if: |\n      a &&\n      b\n    action: >-\n      wake(a)\n").first)
    #expect(rule.condition?.location == Location(file: "etc/orchestration.yaml", line: 4, column: 7))
    #expect(rule.actions == [.wake("a")])
  }
}
