import Journal
import Model
import Orchestrator
import Store
import Testing
import Vitals
import Watchdog

/// The daemon's own lines in the restart ledger, with a manual clock.
@Suite struct RunLedgerTests {
  private final class Recorder: AgentRegistry {
    private(set) var lines: [LedgerEntry] = []

    func keep(_ changes: [RegistryChange]) throws(RegistryFailure) {
      for case .ledger(let line) in changes { lines.append(line) }
    }

    func flush(_ done: @escaping (Result<Void, RegistryFailure>) -> Void) { done(.success(())) }
  }

  private let clock = ManualClock(start: Instant(nanoseconds: 90_000_000_000))
  private let registry = Recorder()
  private let ledger: RunLedger

  init() {
    ledger = RunLedger(
      registry, boot: "two", clock: clock, journal: Journal(environment: ["OPENSTARRY_LOG": "emergency"]))
  }

  /// A run that a signal has ended while an agent's code ran.
  /// - Parameter onLoop: whether that code has caused it.
  private func crash(onLoop: Bool) -> (verdict: Verdict, run: PastRun) {
    let run = PastRun(
      boot: "two", pid: 7, started: Instant(nanoseconds: 1), stage: .serving,
      activity: PastRun.Activity(
        phase: .activation, agent: "climate", event: ULID(milliseconds: 1, random: (0, 1)), type: "sensor:temperature",
        began: Instant(nanoseconds: 2)),
      fault: PastRun.Fault(signal: 11, code: 1, onLoop: onLoop, time: Instant(nanoseconds: 3)))
    return (Verdict.on(run, boot: "two"), run)
  }

  private func line(_ reason: String, boot: String = "two") -> LedgerEntry {
    LedgerEntry(.daemon, time: 1, reason: reason, boot: boot)
  }

  @Test func theFirstStartIsNoted() {
    ledger.noteStart(after: nil, end: nil, wasKilledForMemory: false)
    #expect(
      registry.lines == [
        LedgerEntry(
          .daemon, time: clock.wallMilliseconds, reason: "started", message: "for the first time", boot: "two",
          uptime: 90_000)
      ])
  }

  @Test func aCleanEndIsNotedWithItsRunTime() {
    ledger.noteEnd(after: .seconds(60))
    #expect(registry.lines.map(\.scope) == [.daemon] && registry.lines.first?.reason == "stopped")
    #expect(registry.lines.first?.message == "after 1m" && registry.lines.first?.uptime == 90_000)
  }

  @Test func theCrashRecordReplacesTheGuess() throws {
    let end = crash(onLoop: false)
    ledger.noteStart(after: line("started"), end: end, wasKilledForMemory: false)
    #expect(registry.lines.map(\.reason) == ["crash.signal", "started"])
    let told = try #require(registry.lines.first)
    #expect(told.scope == .daemon && told.message == end.verdict.sentence && told.signal == 11)
    #expect(told.event == end.run.activity?.event && told.eventType == "sensor:temperature" && told.boot == "two")
  }

  @Test func anAgentThatHasEndedTheDaemonHasALineOfItsOwn() {
    ledger.noteStart(after: line("started"), end: crash(onLoop: true), wasKilledForMemory: false)
    #expect(registry.lines.map(\.scope) == [.agent, .daemon, .daemon])
    #expect(registry.lines.map(\.agent) == ["climate", "", ""])
    #expect(registry.lines.map(\.reason) == ["crash.signal", "crash.signal", "started"])
  }

  @Test func anAgentThatIsQuarantinedForThatHasAnother() {
    var end = crash(onLoop: true)
    end.verdict.quarantine = "it ended the daemon 3 times"
    ledger.noteStart(after: line("started"), end: end, wasKilledForMemory: false)
    #expect(registry.lines.map(\.reason) == ["crash.signal", "quarantined", "crash.signal", "started"])
    #expect(registry.lines.map(\.agent) == ["climate", "climate", "", ""])
    #expect(registry.lines[1].message == "it ended the daemon 3 times" && registry.lines[1].scope == .agent)
  }

  @Test func aStartNamesAKillForMemoryAndARebootOfTheBoard() {
    ledger.noteStart(after: line("stopped", boot: "one"), end: nil, wasKilledForMemory: true)
    #expect(registry.lines.map(\.scope) == [.board, .daemon] && registry.lines.first?.reason == "booted")
    #expect(
      registry.lines.last?.message == "the kernel had killed one of the service's processes: its memory was used up")
  }
}
