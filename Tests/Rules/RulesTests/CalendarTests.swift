import Model
import Rules
import Testing

/// `cron` rules with a wall clock that is set, untrusted at first, or in another time zone. It starts at
/// 2026-01-01T00:00:00Z.
@Suite struct CalendarTests {
  private static let midnight: Int64 = 1_767_225_600

  private func cron(_ id: RuleID, _ text: String, _ change: (inout RuleDeclaration) -> Void = { _ in })
    -> RuleDeclaration
  {
    var rule = RuleDeclaration(id: id, trigger: .cron(text), actions: [.wake("a")])
    change(&rule)
    return rule
  }

  private func bench(_ rules: RuleDeclaration...) throws -> RuleBench {
    let bench = try RuleBench()
    bench.clock.onWallSet = { [unowned bench] in bench.rules.clockChanged() }
    bench.rules.replace(with: try RuleSet(compiling: rules))
    return bench
  }

  private func due(_ rule: RuleID, hour: Int64, minute: Int64 = 0, day: Int64 = 0) -> MissedEntry {
    MissedEntry(rule: rule, due: Self.midnight + day * 86_400 + hour * 3600 + minute * 60)
  }

  /// NTP sets 23:58 to 07:58: later entries are due on time, and missed entries are reported once.
  @Test func clockStepReportsMissedEntriesAndKeepsLaterOnes() throws {
    let bench = try bench(cron("morning", "0 8 * * *"), cron("night", "0 3 * * *"), cron("noon", "0 12 * * *"))
    bench.clock.advance(by: .seconds(23 * 3600 + 58 * 60))
    #expect(bench.due == ["night", "morning", "noon"])
    bench.clock.jumpWall(by: .seconds(8 * 3600))
    #expect(bench.missed == [due("night", hour: 3, day: 1)])
    bench.clock.advance(by: .seconds(119))
    #expect(bench.due.count == 3)
    bench.clock.advance(by: .seconds(1))
    #expect(bench.due == ["night", "morning", "noon", "morning"])
    bench.clock.advance(by: .seconds(4 * 3600))
    #expect(bench.due.count == 5 && bench.missed.count == 1)
  }

  @Test func statusSaysThatARuleWaitsForTheClock() throws {
    let bench = try bench()
    bench.clockIsTrusted = false
    bench.rules.replace(with: try RuleSet(compiling: [cron("night", "0 3 * * *"), hot()]))
    #expect(bench.rules.waitingForClock == ["night"])
    #expect(bench.rules.statuses().map(\.lastError) == [RuleEngine.clockNotTrusted, nil])
    bench.clockIsTrusted = true
    bench.rules.clockChanged()
    #expect(bench.rules.waitingForClock.isEmpty && bench.rules.statuses().allSatisfy { $0.lastError == nil })
  }

  @Test func entryOfTheCurrentMinuteIsDueAfterAClockStep() throws {
    let bench = try bench(cron("six", "0 6 * * *"), cron("often", "*/10 * * * *"))
    bench.clock.jumpWall(by: .seconds(6 * 3600 + 30))
    // 00:10 is the first missed entry; 06:00 is due now.
    #expect(bench.due == ["six", "often"])
    #expect(bench.missed == [due("often", hour: 0, minute: 10)])
    bench.clock.advance(by: .seconds(570))
    #expect(bench.due == ["six", "often", "often"])
  }

  /// Ten steps of one hour have the same effect as one step of ten hours.
  @Test func repeatedStepsReportEachEntryOnce() throws {
    let bench = try bench(cron("night", "0 3 * * *"))
    for _ in 0..<10 { bench.clock.jumpWall(by: .seconds(3700)) }
    #expect(bench.missed == [due("night", hour: 3)] && bench.due.isEmpty)
  }

  /// The campaign's seed 7755: 31 years back, and forth again within the same minute.
  @Test func settingTheClockFarBackAndForthMakesNothingDueTwice() throws {
    let bench = try bench(cron("six", "0 6 * * *"))
    bench.clock.advance(by: .seconds(6 * 3600 + 20))
    #expect(bench.due == ["six"])
    bench.clock.jumpWall(by: .seconds(-980_000_000))
    bench.clock.jumpWall(by: .seconds(980_000_000))
    #expect(bench.due == ["six"])
    bench.clock.advance(by: .seconds(24 * 3600))
    #expect(bench.due == ["six", "six"])
  }

  @Test func settingTheClockBackMakesNothingDueTwice() throws {
    let bench = try bench(cron("six", "0 6 * * *"))
    bench.clock.advance(by: .seconds(6 * 3600 + 300))
    #expect(bench.due == ["six"])
    bench.clock.jumpWall(by: .seconds(-1200))
    bench.clock.advance(by: .seconds(24 * 3600))
    #expect(bench.due == ["six"])
    bench.clock.advance(by: .seconds(900))
    #expect(bench.due == ["six", "six"])
    // The clock goes back by days, so it was wrong before: follow it.
    bench.clock.jumpWall(by: .seconds(-5 * 86_400))
    bench.clock.advance(by: .seconds(86_400))
    #expect(bench.due.count == 3 && bench.missed.isEmpty)
  }

  /// A clock that is set back slightly before a pending entry makes the entry due only once.
  @Test func smallStepsAroundAnEntry() throws {
    let bench = try bench(cron("six", "0 6 * * *"))
    bench.clock.advance(by: .seconds(6 * 3600 - 1))
    for _ in 0..<5 {
      bench.clock.jumpWall(by: .milliseconds(-900))
      bench.clock.jumpWall(by: .milliseconds(900))
    }
    bench.clock.advance(by: .milliseconds(999))
    #expect(bench.due.isEmpty)
    bench.clock.advance(by: .milliseconds(1))
    #expect(bench.due == ["six"])
    bench.clock.jumpWall(by: .milliseconds(-500))
    bench.clock.advance(by: .seconds(3600))
    #expect(bench.due == ["six"] && bench.missed.isEmpty)
  }

  @Test func nothingIsDueBeforeTheClockIsTrusted() throws {
    let bench = try RuleBench()
    bench.clockIsTrusted = false
    bench.rules.clockChanged()
    bench.clock.onWallSet = { [unowned bench] in bench.rules.clockChanged() }
    bench.rules.replace(with: try RuleSet(compiling: [cron("six", "0 6 * * *"), cron("hourly", "0 * * * *")]))
    bench.clock.advance(by: .seconds(7 * 3600))
    bench.clock.jumpWall(by: .seconds(3600))
    #expect(bench.due.isEmpty && bench.missed.isEmpty && bench.clock.waiting == 0)
    bench.clock.advance(by: .seconds(60))
    // It is 08:01 and the clock is trusted: today's earlier entries are reported as missed.
    bench.clockIsTrusted = true
    bench.rules.clockChanged()
    #expect(bench.due.isEmpty)
    #expect(bench.missed == [due("six", hour: 6), due("hourly", hour: 1)])
    bench.clock.advance(by: .seconds(3540))
    #expect(bench.due == ["hourly"])
    bench.rules.clockChanged()
    #expect(bench.missed.count == 2)
  }

  @Test func clockYearsBehindReportsOnlyTheLastDay() throws {
    let bench = try bench(cron("night", "0 3 * * *"), cron("new-year", "0 0 1 1 *"))
    bench.clock.jumpWall(by: .seconds(40 * 86_400))
    #expect(bench.missed == [due("night", hour: 3, day: 39)])
  }

  @Test func nowIsMissingUntilTheClockIsTrusted() throws {
    let bench = try RuleBench(
      RuleDeclaration(
        id: "late", trigger: .events([EventPattern("a:b")]), condition: condition("now.getHours() >= 0"),
        actions: [.wake("a")]))
    bench.clockIsTrusted = false
    bench.emit("a:b")
    #expect(bench.firings.isEmpty)
    #expect(bench.errors.first?.contains("the clock is not trusted yet") == true)
    bench.clockIsTrusted = true
    bench.emit("a:b")
    #expect(bench.firings.count == 1)
  }

  /// Monotonic timers are unaffected by wall clock steps; a throttle window still ends.
  @Test func onlyTheCalendarFollowsTheWallClock() throws {
    let bench = try bench(
      hot {
        $0.condition = nil
        $0.throttle = .seconds(10)
      },
      cron("busy", "* * * * *") {
        $0.throttle = .seconds(90)
        $0.debounce = .seconds(1)
      },
      RuleDeclaration(id: "beat", trigger: .every(.seconds(10)), actions: [.wake("a")]))
    func beats() -> Int { bench.due.count { $0 == "beat" } }
    bench.measure(1)
    bench.measure(2)
    bench.emit("timer:busy")
    bench.clock.advance(by: .seconds(5))
    bench.clock.jumpWall(by: .seconds(7200))
    bench.clock.jumpWall(by: .seconds(-7200))
    bench.clock.advance(by: .seconds(5))
    #expect(bench.firings.map(\.rule) == ["hot", "busy", "hot"] && beats() == 1)
    // The throttle window has ended, so the next event passes.
    bench.clock.advance(by: .seconds(120))
    bench.emit("timer:busy")
    bench.clock.advance(by: .seconds(1))
    #expect(bench.firings.last?.rule == "busy" && bench.firings.count == 4)
  }

  @Test func timeZoneChangesAreFollowed() throws {
    let bench = try bench(cron("six", "0 6 * * *"))
    bench.offset = { _ in 3 * 3600 }
    bench.rules.zoneChanged()
    bench.clock.advance(by: .seconds(3 * 3600 - 1))
    #expect(bench.due.isEmpty)
    bench.clock.advance(by: .seconds(1))
    #expect(bench.due == ["six"] && bench.missed.isEmpty)
  }

  /// A timer that runs more than a minute late reports a missed entry.
  @Test func lateEntryIsReportedAsMissed() throws {
    let bench = try RuleBench(cron("six", "0 6 * * *"))
    // The engine is not notified of this step, as after a suspend.
    bench.clock.jumpWall(by: .seconds(2 * 3600))
    bench.clock.advance(by: .seconds(6 * 3600))
    #expect(bench.due.isEmpty && bench.missed == [due("six", hour: 6)])
  }
}
