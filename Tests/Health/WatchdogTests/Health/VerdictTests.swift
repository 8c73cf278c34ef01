import Model
import TestKit
import Testing
import Watchdog

/// Verdicts on earlier runs from their records.
@Suite struct VerdictTests {
  private func at(_ seconds: Double) -> Instant { Instant(nanoseconds: UInt64(seconds * 1e9)) }

  private let activity = PastRun.Activity(
    phase: .activation, agent: "climate", event: ULID(high: 1, low: 2), type: "sensor:temperature",
    began: Instant(nanoseconds: 100_000_000_000))

  private func run(
    _ stage: PastRun.Stage = .serving, _ activity: PastRun.Activity? = nil, _ fault: PastRun.Fault? = nil
  ) -> PastRun {
    PastRun(
      boot: "b1", pid: 77, started: at(10), stage: stage, activity: activity, fault: fault,
      beat: PastRun.Beat(time: at(99.5), cpu: .seconds(1), delay: .seconds(1)))
  }

  /// SIGABRT from systemd, five seconds after the last beat.
  private func abort(
    cpu: Double, delay: Double?, began: Double = 100, _ stage: PastRun.Stage = .serving
  ) -> PastRun {
    var activity = activity
    activity.began = at(began)
    let fault = PastRun.Fault(
      signal: 6, code: 0, sender: 1, object: "/usr/bin/openstarryd", offset: 0x1234, time: at(104.5),
      cpu: .seconds(cpu), delay: delay.map { .seconds($0) })
    return run(stage, activity, fault)
  }

  @Test func aSlowStartOrStopIsNamed() {
    let start = Verdict.on(abort(cpu: 1.1, delay: 1.1, .starting), boot: "b1")
    #expect(start.ending == .blocked && start.blamed == "climate" && start.isUnclean)
    #expect(
      start.sentence.hasPrefix("its start took too long; the loop did not turn for 5s, waiting, while agent climate"))
    let end = Verdict.on(abort(cpu: 5.9, delay: 1.1, .stopping), boot: "b1")
    #expect(end.ending == .spinning && end.sentence.hasPrefix("its end took too long; the loop"))
    #expect(!Verdict.on(abort(cpu: 1.1, delay: 1.1), boot: "b1").sentence.contains("too long"))
  }

  @Test func aGoodEndBlamesNobody() {
    let verdict = Verdict.on(run(.ended, activity), boot: "b1")
    #expect(verdict.ending == .clean && verdict.blamed == nil && !verdict.isUnclean)
  }

  @Test func aPowerCutBlamesNobody() {
    let verdict = Verdict.on(run(.serving, activity), boot: "b2")
    #expect(verdict.ending == .power && verdict.blamed == nil && !verdict.isUnclean)
  }

  @Test func aCrashNamesAgentEventSignalAndPlace() {
    let fault = PastRun.Fault(
      signal: 11, code: 1, address: 16, object: "/usr/bin/openstarryd", offset: 0x1234, symbol: "Climate.handle+0x10",
      time: at(101))
    let verdict = Verdict.on(run(.serving, activity, fault), boot: "b1")
    #expect(verdict.ending == .crash && verdict.blamed == "climate" && verdict.isUnclean)
    #expect(
      verdict.sentence == "SIGSEGV at Climate.handle+0x10 (openstarryd+0x1234), while agent climate handled "
        + "sensor:temperature (\(ULID(high: 1, low: 2)))")
  }

  @Test func aCrashOfAnotherThreadBlamesNoAgent() {
    let fault = PastRun.Fault(signal: 11, code: 1, onLoop: false, time: at(101))
    let verdict = Verdict.on(run(.serving, activity, fault), boot: "b1")
    #expect(verdict.ending == .crash && verdict.blamed == nil && verdict.isUnclean)
  }

  @Test func aTrapThatTheProgramSendsItselfIsACrash() {
    // abort(3) sends SIGABRT with tgkill(2): code -6, from the process itself.
    let fault = PastRun.Fault(signal: 6, code: -6, sender: 77, time: at(101))
    #expect(Verdict.on(run(.serving, activity, fault), boot: "b1").ending == .crash)
    #expect(Verdict.on(run(.serving, activity, fault), boot: "b1").blamed == "climate")
  }

  @Test func aSignalOfAnotherProcessBlamesNobody() {
    let fault = PastRun.Fault(signal: 11, code: 0, sender: 4711, time: at(101))
    let verdict = Verdict.on(run(.serving, activity, fault), boot: "b1")
    #expect(verdict.ending == .killed && verdict.blamed == nil)
    #expect(verdict.sentence.contains("4711"))
  }

  @Test func spinningBlockedAndStarvedAreDistinguished() {
    let spinner = Verdict.on(abort(cpu: 5.9, delay: 1.1), boot: "b1")
    #expect(spinner.ending == .spinning && spinner.blamed == "climate")
    #expect(spinner.sentence.contains("for 5s") && spinner.sentence.contains("since 4.5s"), "\(spinner.sentence)")
    let waiter = Verdict.on(abort(cpu: 1.1, delay: 1.1), boot: "b1")
    #expect(waiter.ending == .blocked && waiter.blamed == "climate")
    let starved = Verdict.on(abort(cpu: 2.5, delay: 4.0), boot: "b1")
    #expect(starved.ending == .starved && starved.blamed == nil && !starved.isUnclean)
    // On a busy machine: 2 s of CPU time, and 2.4 s of waiting for a CPU.
    #expect(Verdict.on(abort(cpu: 3, delay: 3.4), boot: "b1").ending == .spinning)
    // On a kernel that does not count waiting, only CPU time decides.
    #expect(Verdict.on(abort(cpu: 5.9, delay: nil), boot: "b1").ending == .spinning)
  }

  @Test func aRecentActivationIsNotBlamed() {
    let verdict = Verdict.on(abort(cpu: 5.9, delay: 1, began: 104.4), boot: "b1")
    #expect(verdict.ending == .spinning && verdict.blamed == nil)
  }

  @Test func aKillBlamesOnlyTheRunningAgent() {
    #expect(Verdict.on(run(.serving, activity), boot: "b1").blamed == "climate")
    let idle = Verdict.on(run(), boot: "b1")
    #expect(idle.ending == .killed && idle.blamed == nil && idle.isUnclean)
    let hungry = Verdict.on(run(.serving, activity), boot: "b1", forMemory: true)
    #expect(hungry.ending == .killed && hungry.blamed == "climate")
    #expect(hungry.sentence.hasPrefix("the kernel killed it, since its memory was used up, while agent climate"))
  }

  @Test(arguments: 0..<200) func anyRecordGivesAVerdict(_ seed: Int) {
    var random = SeededGenerator(UInt64(seed))
    func instant() -> Instant { Instant(nanoseconds: random.next() >> (random.next() % 64)) }
    func span() -> Duration { .nanoseconds(Int64(clamping: random.next() >> (random.next() % 64))) }
    var run = PastRun(
      boot: random.next() % 2 == 0 ? "b1" : "b2", pid: Int32(truncatingIfNeeded: random.next()), started: instant(),
      stage: PastRun.Stage(rawValue: UInt32(random.next() % 4) + 1) ?? .ended)
    if random.next() % 2 == 0 {
      run.activity = PastRun.Activity(
        phase: PastRun.Phase(rawValue: UInt32(random.next() % 4) + 1) ?? .end, agent: "a", event: nil, type: "\u{1b}",
        began: instant())
    }
    if random.next() % 2 == 0 { run.beat = PastRun.Beat(time: instant(), cpu: span(), delay: span()) }
    if random.next() % 4 != 0 {
      run.fault = PastRun.Fault(
        signal: Int32(truncatingIfNeeded: random.next()), code: Int32(truncatingIfNeeded: random.next()),
        sender: Int32(truncatingIfNeeded: random.next()), onLoop: random.next() % 2 == 0, object: "/\u{7}",
        offset: random.next(), time: instant(), cpu: span(), delay: random.next() % 2 == 0 ? span() : nil)
    }
    let verdict = Verdict.on(run, boot: "b1")
    if verdict.blamed != nil { #expect(verdict.isUnclean && verdict.blamed == run.activity?.agent) }
    #expect(!verdict.sentence.isEmpty && !verdict.sentence.unicodeScalars.contains { $0.value < 32 })
  }
}
