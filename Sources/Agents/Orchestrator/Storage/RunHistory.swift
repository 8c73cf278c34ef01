import Model
import Store

/// What the ledger says of the daemon's own runs: each start, each end in good order, and what a start finds of the
/// run before it.
public enum RunHistory {
  /// The daemon began to work.
  public static let started = "started"
  /// It ended in good order.
  public static let stopped = "stopped"
  /// It is gone without an end in good order, and the board was not started again since.
  public static let crashed = "crashed"
  /// The board was started again after the daemon had ended in good order.
  public static let booted = "booted"
  /// The board was started again, and the daemon had not ended.
  public static let powerLost = "power-lost"

  /// The lines for a start.
  /// - Parameters:
  ///   - last: the newest line about the daemon; nil on its first start.
  ///   - boot: the kernel's id of this boot.
  ///   - time: milliseconds since 1970.
  ///   - uptime: milliseconds since the boot.
  ///   - crash: what a crash record says of the run before, where one does: it takes the place of the guess.
  ///   - note: what else is known of why it was started; may be empty.
  public static func start(
    after last: LedgerEntry?, boot: String, time: UInt64, uptime: UInt64, crash: LedgerEntry? = nil,
    note: String = ""
  ) -> [LedgerEntry] {
    func line(_ scope: LedgerEntry.Scope, _ reason: String, _ message: String) -> LedgerEntry {
      LedgerEntry(scope, time: time, reason: reason, message: message, boot: boot, uptime: uptime)
    }
    let begun = line(.daemon, started, last == nil && crash == nil ? "for the first time" : note)
    // One that was killed before its first line was on the disk has left its crash record alone.
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
  /// As `daemon.history` answers it; section 4 of `docs/control.md`.
  public var fields: Fields {
    [
      "scope": .string(scope.rawValue), "agent": scope == .agent ? .string(agent.rawValue) : .null,
      "time": .int(Int64(clamping: time)), "reason": .string(reason), "message": .string(message),
      "signal": signal.map { .int(Int64($0)) } ?? .null, "budget": budget.map(Value.map) ?? .null,
      "event": event.map { .string($0.description) } ?? .null, "event_type": eventType.map(Value.string) ?? .null,
      "boot": .string(boot), "uptime_ms": .int(Int64(clamping: uptime)),
    ]
  }
}
