import Model

/// Checks a `cron` rule with an entry every minute while the wall clock is set forward and back: an entry whose minute
/// begins while the daemon is ready is due, and no entry is due twice.
package struct CalendarRules {
  /// Minutes. An entry may be due again when the clock was set back by more than this.
  static let longestReturn: Int64 = 3 * 60
  /// The time after the beginning of a minute at which its entry is checked.
  static let patience = Duration.milliseconds(500)

  /// The minutes whose entries were due since the daemon began.
  private var due: Set<Int64> = []
  private var newest: Int64?

  package init() {}

  /// A new daemon does not know earlier entries.
  package mutating func daemonStarts() { (due, newest) = ([], nil) }

  /// An entry is due.
  /// - Parameters:
  ///   - wall: milliseconds since 1970.
  ///   - isTrusted: whether the clock is trusted.
  package mutating func isDue(_ wall: UInt64, isTrusted: Bool, _ invariants: Invariants, at now: Instant) {
    let minute = Self.minute(wall)
    invariants.expect(isTrusted, "calendar", at: now, "an entry is due by a clock that is not trusted")
    let comesAgain = due.contains(minute) && (newest ?? minute) - minute <= Self.longestReturn
    invariants.expect(!comesAgain, "calendar", at: now, "the entry of minute \(minute) is due twice")
    due.insert(minute)
    newest = minute
  }

  /// A minute began `patience` ago while the daemon was ready, and the clock has not been set since.
  package func hasBegun(_ wall: UInt64, _ invariants: Invariants, at now: Instant) {
    let minute = Self.minute(wall)
    // The clock was set back: this minute's entry was already due.
    if let newest, newest > minute, newest - minute <= Self.longestReturn { return }
    invariants.expect(
      due.contains(minute), "calendar", at: now, "the entry of minute \(minute) was not due")
  }

  private static func minute(_ wall: UInt64) -> Int64 { Int64(clamping: wall / 60_000) }
}
