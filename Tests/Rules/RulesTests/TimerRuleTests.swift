import Model
import Rules
import Testing

@Suite struct TimerRuleTests {
  private func timer(_ trigger: RuleDeclaration.Trigger) -> RuleDeclaration {
    RuleDeclaration(id: "beat", trigger: trigger, actions: [.wake("a")])
  }

  @Test func everyKeepsItsPhase() throws {
    let bench = try RuleBench(timer(.every(.seconds(10))))
    bench.clock.advance(by: .milliseconds(9_999))
    #expect(bench.due.isEmpty)
    bench.clock.advance(by: .milliseconds(1))
    #expect(bench.due == ["beat"])
    bench.clock.advance(by: .seconds(60))
    #expect(bench.due.count == 7)
  }

  @Test func timerEventTriggersOnlyItsOwnRule() throws {
    let bench = try RuleBench(
      timer(.every(.seconds(10))), RuleDeclaration(id: "other", trigger: .every(.seconds(10)), actions: [.wake("b")]))
    bench.emit("timer:beat", ["rule": "beat"])
    #expect(bench.firings.map(\.rule) == ["beat"])
    bench.emit("timer:unknown")
    #expect(bench.firings.count == 1)
    #expect(bench.rules.statuses()[0].trigger == "every 10s")
  }

  @Test func timersOfUnchangedRulesSurviveReplace() throws {
    let bench = try RuleBench(timer(.every(.seconds(10))))
    bench.clock.advance(by: .seconds(9))
    bench.rules.replace(with: try RuleSet(compiling: [timer(.every(.seconds(10)))]))
    bench.clock.advance(by: .seconds(1))
    #expect(bench.due.count == 1)
    bench.rules.replace(with: .empty)
    #expect(bench.clock.waiting == 0 && bench.rules.count == 0)
    bench.clock.advance(by: .seconds(60))
    #expect(bench.due.count == 1)
  }

  /// The manual clock starts at 2026-01-01T00:00:00Z.
  @Test func cronIsDueOnTheMinute() throws {
    let bench = try RuleBench(timer(.cron("*/15 * * * *")))
    bench.clock.advance(by: .seconds(899))
    #expect(bench.due.isEmpty)
    bench.clock.advance(by: .seconds(1))
    #expect(bench.due.count == 1)
    bench.clock.advance(by: .seconds(3600))
    #expect(bench.due.count == 5)
  }

  @Test func cronWaitsForADistantDate() throws {
    let bench = try RuleBench(timer(.cron("30 6 2 1 *")))
    bench.clock.advance(by: .seconds(30 * 3600 + 1799))
    #expect(bench.due.isEmpty)
    bench.clock.advance(by: .seconds(1))
    #expect(bench.due.count == 1)
  }

  @Test func cronFollowsLocalTime() throws {
    let bench = try RuleBench()
    bench.offset = { _ in 3600 }
    bench.rules.replace(with: try RuleSet(compiling: [timer(.cron("0 6 * * *"))]))
    bench.clock.advance(by: .seconds(5 * 3600 - 1))
    #expect(bench.due.isEmpty)
    bench.clock.advance(by: .seconds(1))
    #expect(bench.due.count == 1)
  }

  @Test func cronWakesUpOnlyForItsEntry() throws {
    let bench = try RuleBench(timer(.cron("30 6 2 1 *")))
    #expect(bench.clock.waiting == 1)
    #expect(bench.clock.nextDeadline() == bench.clock.now + .seconds(30 * 3600 + 1800))
  }
}
