import Model

/// What holds of a rule that has an entry each minute, by a wall clock that is set forward and back: an entry whose minute
/// begins while the daemon serves is due then, and none is due twice.
public struct CalendarRules {
  /// An entry may come again where the clock was put back by more than this.
  static let longestReturn: Int64 = 3 * 60
  /// How long after its beginning a minute is looked for.
  static let patience = Duration.milliseconds(500)

  /// Those that were due since the daemon began.
  private var due: Set<Int64> = []
  private var newest: Int64?

  public init() {}

  /// A daemon knows nothing of what was due before it.
  public mutating func daemonStarts() { (due, newest) = ([], nil) }

  /// An entry is due.
  /// - Parameters:
  ///   - wall: milliseconds since 1970.
  ///   - isTrusted: rules may go by the clock.
  public mutating func isDue(_ wall: UInt64, isTrusted: Bool, _ invariants: Invariants, at now: Instant) {
    let minute = Self.minute(wall)
    invariants.expect(isTrusted, "calendar", at: now, "an entry is due by a clock that is not trusted")
    let comesAgain = due.contains(minute) && (newest ?? minute) - minute <= Self.longestReturn
    invariants.expect(!comesAgain, "calendar", at: now, "the entry of minute \(minute) is due twice")
    due.insert(minute)
    newest = minute
  }

  /// A minute has begun a moment ago, in front of a daemon that serves, and the clock was not set since.
  public func hasBegun(_ wall: UInt64, _ invariants: Invariants, at now: Instant) {
    let minute = Self.minute(wall)
    // The clock was put back: that one was before.
    if let newest, newest > minute, newest - minute <= Self.longestReturn { return }
    invariants.expect(
      due.contains(minute), "calendar", at: now, "the entry of minute \(minute) was not due")
  }

  private static func minute(_ wall: UInt64) -> Int64 { Int64(clamping: wall / 60_000) }
}
