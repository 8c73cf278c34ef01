import Model
import TestKit
import Testing
import Watchdog

/// Strikes, boot loops, and their storage.
@Suite struct StrikesTests {
  private func moment(_ seconds: Double, boot: String = "b1") -> Strikes.Moment {
    Strikes.Moment(
      boot: boot, instant: Instant(nanoseconds: UInt64(seconds * 1e9)),
      wall: 1_767_225_600_000 + UInt64(seconds * 1000))
  }

  private func crash(_ agent: AgentID?) -> Verdict {
    let activity = agent.map {
      PastRun.Activity(phase: .activation, agent: $0, event: nil, type: "x:y", began: Instant(nanoseconds: 5))
    }
    return Verdict.on(
      PastRun(boot: "b1", pid: 9, started: Instant(nanoseconds: 1), stage: .serving, activity: activity), boot: "b1")
  }

  @Test func theThirdStrikeWithinTenMinutesQuarantines() {
    var strikes = Strikes()
    _ = strikes.note(crash("a"), at: moment(0))
    _ = strikes.note(crash("a"), at: moment(300))
    #expect(strikes.quarantined.isEmpty && strikes.count("a", at: moment(300)) == 2)
    _ = strikes.note(crash("a"), at: moment(599))
    #expect(strikes.quarantined["a"]?.ending == .killed)
    #expect(strikes.quarantined["a"]?.failure.message.contains("3 times within 10m") == true)
    let isReleased = strikes.release("a")
    #expect(isReleased)
    #expect(strikes.quarantined.isEmpty && strikes.count("a", at: moment(599)) == 0)
    let isReleasedAgain = strikes.release("a")
    #expect(!isReleasedAgain)
  }

  @Test func strikesExpireAndBelongToOneAgent() {
    var strikes = Strikes()
    for time in [0.0, 301, 602] { _ = strikes.note(crash("a"), at: moment(time)) }
    #expect(strikes.quarantined.isEmpty && strikes.count("a", at: moment(602)) == 2)
    for agent in ["b", "c"] as [AgentID] { _ = strikes.note(crash(agent), at: moment(610)) }
    #expect(strikes.quarantined.isEmpty)
  }

  @Test func aReboot() {
    var strikes = Strikes()
    _ = strikes.note(crash("a"), at: moment(500))
    _ = strikes.note(crash("a"), at: moment(510))
    // Ten seconds after boot; a minute later by the wall clock.
    let later = Strikes.Moment(boot: "b2", instant: Instant(nanoseconds: 10_000_000_000), wall: moment(560).wall)
    #expect(strikes.count("a", at: later) == 2)
    // Without a real-time clock the wall clock restarts years ago.
    let unset = Strikes.Moment(boot: "b2", instant: Instant(nanoseconds: 10_000_000_000), wall: 0)
    #expect(strikes.count("a", at: unset) == 0)
  }

  @Test func fiveUncleanEndsAreABootLoopUntilItIsQuiet() {
    var strikes = Strikes()
    for time in 0..<5 {
      #expect(!strikes.isBootLoop(at: moment(Double(time))))
      _ = strikes.note(crash(nil), at: moment(Double(time)))
    }
    #expect(strikes.isBootLoop(at: moment(5)))
    #expect(!strikes.isBootLoop(at: moment(605)))
    strikes.forgiveEnds()
    #expect(!strikes.isBootLoop(at: moment(5)))
  }

  @Test func aPowerCutOrACleanEndIsNotCounted() {
    var strikes = Strikes()
    for run in [
      PastRun(boot: "b0", pid: 1, started: Instant(nanoseconds: 1), stage: .serving),
      PastRun(boot: "b1", pid: 1, started: Instant(nanoseconds: 1), stage: .ended),
    ] {
      let isChanged = strikes.note(Verdict.on(run, boot: "b1"), at: moment(1))
      #expect(!isChanged)
    }
    #expect(strikes == Strikes())
  }

  @Test(arguments: 0..<50) func storedStrikesAreReadBack(_ seed: Int) throws {
    var random = SeededGenerator(UInt64(seed))
    var all = Strikes()
    for step in 0..<Int(random.next() % 12) {
      let verdict = crash(["a", "b", nil][Int(random.next() % 3)])
      _ = all.note(verdict, at: moment(Double(step * Int(random.next() % 100))))
    }
    all.revision = seed + 1
    #expect(Strikes(all.value) == all)
  }

  @Test func theNewerCopyCounts() throws {
    var old = Strikes()
    for time in 0..<3 { _ = old.note(crash("a"), at: moment(Double(time))) }
    old.revision = 3
    var new = old
    let isChanged = new.release("a")
    #expect(isChanged)
    new.revision = 4
    var read = Strikes()
    read.take(old)
    #expect(read == old)
    read.take(new)
    read.take(old)
    #expect(read == new)
    // The format of the first version.
    var fields = try #require(old.value.map)
    fields["revision"] = nil
    var first = Strikes()
    first.take(try #require(Strikes(.map(fields))))
    #expect(first.quarantined.count == 1)
  }

  @Test(
    arguments: [
      .null, ["format": 2], ["format": 1, "strikes": [], "unclean": []],
      [
        "format": 1,
        "strikes": [["agent": "../x", "cause": "", "at": ["boot": "b", "monotonic_ms": 1, "wall_ms": 1]]],
        "unclean": [], "quarantined": [:],
      ],
      ["format": 1, "strikes": [], "unclean": [["boot": "b", "monotonic_ms": -1, "wall_ms": 1]], "quarantined": [:]],
      ["format": 1, "strikes": [], "unclean": [], "quarantined": ["a": ["ending": "no", "sentence": "s"]]],
    ] as [Value])
  func damagedStrikesAreRefused(_ value: Value) { #expect(Strikes(value) == nil) }
}
