import Journal
import Model
import Orchestrator
import Store
import Watchdog

/// Writes the daemon's own lines in the restart ledger: each start, the end of the run before it, and each clean end.
package struct RunLedger {
  private let registry: any AgentRegistry
  private let boot: String
  private let clock: any Timekeeper
  private let journal: Journal

  /// - Parameters:
  ///   - registry: stores the lines.
  ///   - boot: the kernel's id of this boot; empty when unknown.
  ///   - clock: the time of the lines; its monotonic time begins with the boot.
  ///   - journal: told how the run before a start has ended.
  package init(_ registry: any AgentRegistry, boot: String, clock: any Timekeeper, journal: Journal) {
    self.registry = registry
    self.boot = boot
    self.clock = clock
    self.journal = journal
  }

  /// Adds this start to the ledger, and the end of the previous run, as its crash record shows it. An agent whose
  /// code has ended that run gets a line of its own, and another one when it is quarantined for that.
  /// - Parameters:
  ///   - last: the newest line about the daemon; nil on its first start.
  ///   - end: how the previous run ended; nil when it ended cleanly or with the power, or there is no record of it.
  ///   - wasKilledForMemory: whether the kernel had killed a process of the service because it was out of memory.
  package func noteStart(after last: LedgerEntry?, end: (verdict: Verdict, run: PastRun)?, wasKilledForMemory: Bool) {
    let (time, uptime) = (clock.wallMilliseconds, uptime)
    let crash = end.map { end in
      LedgerEntry(
        .daemon, time: time, reason: end.verdict.ending.rawValue, message: end.verdict.sentence,
        signal: end.run.fault?.signal, event: end.run.activity?.event, eventType: end.run.activity?.type,
        boot: boot, uptime: uptime)
    }
    var lines = RunHistory.start(
      after: last, boot: boot, time: time, uptime: uptime, crash: crash,
      note: wasKilledForMemory
        ? "the kernel had killed one of the service's processes: its memory was used up" : "")
    if let agent = end?.verdict.blamed, var blame = crash {
      (blame.scope, blame.agent) = (.agent, agent)
      lines.insert(blame, at: 0)
      if let why = end?.verdict.quarantine {
        let line = LedgerEntry(
          time: time, agent: agent, reason: LedgerEntry.quarantined, message: why, boot: boot, uptime: uptime)
        lines.insert(line, at: 1)
      }
    }
    for line in lines where line.scope != .agent && line.reason != RunHistory.started {
      let scope = line.scope == .board ? "the board" : "the daemon"
      journal.log(.notice, "\(scope): \(line.reason): \(line.message)")
    }
    try? registry.keep(lines.map(RegistryChange.ledger))
  }

  /// Adds a clean end to the ledger.
  /// - Parameter time: how long the daemon has run.
  package func noteEnd(after time: Duration) {
    try? registry.keep([
      .ledger(
        LedgerEntry(
          .daemon, time: clock.wallMilliseconds, reason: RunHistory.stopped, message: "after \(time.text)",
          uptime: uptime))
    ])
  }

  /// Milliseconds since the boot.
  private var uptime: UInt64 { clock.now.nanoseconds / 1_000_000 }
}
