import Model
import Rules
import Testing

/// Rules that feed themselves, as `check` sees them.
@Suite struct FeedbackWarningTests {
  private func event(
    _ id: RuleID, on pattern: String, if text: String? = nil, _ actions: RuleDeclaration.Action...
  ) -> RuleDeclaration {
    RuleDeclaration(
      id: id, trigger: .events([EventPattern(pattern)]), condition: text.map(condition), actions: actions,
      location: Location(file: "rules.yaml", line: 3, column: 5))
  }

  private func warnings(_ rules: RuleDeclaration...) throws -> [String] {
    try RuleSet(compiling: rules, variables: ["n": 0, "since": 0]).feedbackWarnings.map(\.message)
  }

  @Test func aRuleThatEmitsWhatFiresItIsNamed() throws {
    #expect(
      try warnings(event("echo", on: "x:*", .emit("x:echo", []))) == [
        "rule 'echo' feeds itself: its emit(x:echo) fires 'echo'; such a chain is cut after 16 events"
      ])
    #expect(try warnings(event("all", on: "*", .log([]))).count == 1)
    #expect(try warnings(event("lamps", on: "device:changed", .actuate("lamp", .on, lease: nil))).count == 1)
    #expect(try warnings(event("count", on: "rule:variable", .set("n", []))).count == 1)
  }

  @Test func whatACommandChangesIsKnown() throws {
    // A lamp that is switched off a while after it came on, and two that settle.
    #expect(
      try warnings(
        event("off", on: "device:changed", if: "device == 'a' && state > 0.0", .actuate("a", .off, lease: nil)),
        event("up", on: "device:changed", if: "device == 'b' && state == 0.0", .actuate("c", .on, lease: nil)),
        event("down", on: "device:changed", if: "device == 'c' && state == 1.0", .actuate("b", .off, lease: nil))
      ).count == 1)
    #expect(try warnings(event("log", on: "rule:log", .log([]))).count == 1)
    var blinking = state("blink", while: "vars.n == 0") {
      $0.endActions = [.set("n", [EmitField(name: "value", expression: "0")])]
    }
    blinking.actions = [.set("n", [EmitField(name: "value", expression: "1")])]
    #expect(try warnings(blinking).map { $0.hasPrefix("rule 'blink' may end itself") } == [true])
  }

  @Test func aCircleOfRulesIsNamedOnce() throws {
    let found = try warnings(
      event("a", on: "x:a", .emit("x:b", [])), event("other", on: "x:b", .log([])),
      event("b", on: "x:b", .emit("x:c", [])), event("c", on: "x:c", .emit("x:a", [])))
    #expect(
      found == [
        "rule 'a' feeds itself: its emit(x:b) fires 'b', whose emit(x:c) fires 'c', whose emit(x:a) fires 'a'; "
          + "such a chain is cut after 16 events"
      ])
  }

  @Test func aConditionThatExcludesItIsSeen() throws {
    #expect(
      try warnings(
        event("lamp", on: "device:changed", if: "device == 'door'", .actuate("lamp", .on, lease: nil)),
        event("told", on: "rule:fired", if: "rule == 'lamp' && count > 3", .log([])),
        event("armed", on: "rule:variable", if: "name == 'armed'", .set("since", [])),
        event("sent", on: "x:n", if: "n < 3", .emit("x:n", [EmitField(name: "n", expression: "3")])),
        event("quiet", on: "x:*", if: "event.type != 'x:echo'", .emit("x:echo", []))
      ).isEmpty)
    // What is not known does not exclude it.
    #expect(
      try warnings(event("n", on: "x:n", if: "n < 3", .emit("x:n", [EmitField(name: "n", expression: "n + 1")]))).count
        == 1)
  }

  @Test func tenThousandRulesOnEverythingAreBounded() throws {
    let rules = (0..<10_000).map { event(RuleID("r\($0)"), on: "*", .log([])) }
    #expect(try RuleSet(compiling: rules).feedbackWarnings.count > 1)
  }
}
