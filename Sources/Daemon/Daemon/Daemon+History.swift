import Agent
import Linux
import Model
import Orchestrator
import Store

// The daemon's own lines in the restart ledger.
extension Daemon {
  /// The kernel's id of this boot; empty when it cannot be read.
  static func boot() -> String {
    guard let bytes = try? Files.read("/proc/sys/kernel/random/boot_id") else { return "" }
    return String(String(decoding: bytes, as: UTF8.self).prefix { !$0.isNewline })
  }

  /// Adds this start to the ledger, and the end of the previous run, as its crash record shows it.
  /// - Parameter last: the newest line about the daemon; nil on its first start.
  func noteStart(after last: LedgerEntry?) {
    let (time, uptime) = (loop.wallMilliseconds, loop.now.nanoseconds / 1_000_000)
    var crash = vitals.lastEnd.map { end in
      LedgerEntry(
        .daemon, time: time, reason: end.verdict.ending.rawValue, message: end.verdict.sentence,
        signal: end.run.fault?.signal, event: end.run.activity?.event, eventType: end.run.activity?.type,
        boot: registry.boot, uptime: uptime)
    }
    var lines = RunHistory.start(
      after: last, boot: registry.boot, time: time, uptime: uptime, crash: crash,
      note: vitals.wasKilledForMemory
        ? "the kernel had killed one of the service's processes: its memory was used up" : "")
    if let agent = vitals.lastEnd?.verdict.blamed, let found = crash.take() {
      var blame = found
      (blame.scope, blame.agent) = (.agent, agent)
      lines.insert(blame, at: 0)
    }
    for line in lines where line.scope != .agent && line.reason != RunHistory.started {
      let scope = line.scope == .board ? "the board" : "the daemon"
      journal.log(.notice, "\(scope): \(line.reason): \(line.message)")
    }
    try? registry.keep(lines.map(RegistryChange.ledger))
  }

  /// Adds a clean end to the ledger.
  func noteEnd() {
    try? registry.keep([
      .ledger(
        LedgerEntry(
          .daemon, time: loop.wallMilliseconds, reason: RunHistory.stopped,
          message: "after \((loop.now - started).text)", uptime: loop.now.nanoseconds / 1_000_000))
    ])
  }

  func history(_ agent: AgentID?, last: Int, _ done: @escaping (Result<[Fields], AgentControlError>) -> Void) {
    registry.history(agent, last: last) { result in
      done(result.map { $0.map(\.fields) }.mapError { .storage($0.message) })
    }
  }

  var boardBudgets: [BudgetStatus] {
    vitals.meter.look()
    return agents.boardBudgets
  }
}
