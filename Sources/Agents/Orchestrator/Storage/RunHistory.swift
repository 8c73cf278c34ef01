import Model
import Store

/// The ledger's lines about the daemon's own runs: each start, each clean end, and how the run before a start has
/// ended.
package enum RunHistory {
  /// The daemon started.
  package static let started = "started"
  /// The daemon ended cleanly.
  package static let stopped = "stopped"
  /// The daemon ended without a clean end, and the board was not rebooted since.
  package static let crashed = "crashed"
  /// The board was rebooted after the daemon had ended cleanly.
  package static let booted = "booted"
  /// The board was rebooted while the daemon ran.
  package static let powerLost = "power-lost"

  /// The lines for a start.
  /// - Parameters:
  ///   - last: the newest line about the daemon; nil on its first start.
  ///   - boot: the kernel's id of this boot.
  ///   - time: milliseconds since 1970.
  ///   - uptime: milliseconds since the boot.
  ///   - crash: the crash record's line about the previous run; nil when there is none. It replaces what is inferred
  ///     here.
  ///   - note: a further known cause of the start; may be empty.
  package static func start(
    after last: LedgerEntry?, boot: String, time: UInt64, uptime: UInt64, crash: LedgerEntry? = nil,
    note: String = ""
  ) -> [LedgerEntry] {
    func line(_ scope: LedgerEntry.Scope, _ reason: String, _ message: String) -> LedgerEntry {
      LedgerEntry(scope, time: time, reason: reason, message: message, boot: boot, uptime: uptime)
    }
    let begun = line(.daemon, started, last == nil && crash == nil ? "for the first time" : note)
    // A daemon that was killed before its first line was written leaves only a crash record.
    guard let last else { return [crash, begun].compactMap { $0 } }
    let isSameBoot = last.boot == boot
    switch (last.reason == stopped, isSameBoot) {
    case (true, true): return [begun]
    case (true, false): return [line(.board, booted, "the daemon had ended in good order"), begun]
    case (false, true):
      let guess = line(.daemon, crashed, "the run before has no end: it crashed or was killed")
      return [crash ?? guess, begun]
    case (false, false):
      let lost = "the run before has no end: the power was cut, the kernel failed, or the board was reset"
      return [line(.board, powerLost, lost), begun]
    }
  }
}

extension LedgerEntry {
  /// The reason of a line about an agent that is not restarted until a person releases it.
  package static let quarantined = "quarantined"

  /// The fields of `daemon.history`, section 4 of `docs/control.md`.
  package var fields: Fields {
    [
      "scope": .string(scope.rawValue), "agent": scope == .agent ? .string(agent.rawValue) : .null,
      "time": .int(Int64(clamping: time)), "reason": .string(reason), "message": .string(message),
      "signal": signal.map { .int(Int64($0)) } ?? .null, "budget": budget.map(Value.map) ?? .null,
      "event": event.map { .string($0.description) } ?? .null, "event_type": eventType.map(Value.string) ?? .null,
      "boot": .string(boot), "uptime_ms": .int(Int64(clamping: uptime)),
    ]
  }
}
