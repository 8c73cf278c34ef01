import Model

/// The ledger's time in milliseconds since 1970: the wall clock, as far as it can be believed. See `TokenLedger`.
struct LedgerClock {
  /// A wall clock that is behind by less than this has not been set back: the kernel slews it.
  private static let tolerance: UInt64 = 1000

  private let clock: any Timekeeper
  private var anchor: (time: UInt64, at: Instant)

  init(_ clock: any Timekeeper) {
    self.clock = clock
    anchor = (clock.wallMilliseconds, clock.now)
  }

  /// Starts not before `time`, that of the last record.
  /// - Returns: the time now.
  mutating func start(notBefore time: UInt64) -> UInt64 {
    anchor = (max(clock.wallMilliseconds, time), clock.now)
    return anchor.time
  }

  /// The time now.
  /// - Returns: also whether it is before an earlier one, because the wall clock was set right.
  mutating func now() -> (time: UInt64, isSetBack: Bool) {
    let (wall, instant) = (clock.wallMilliseconds, clock.now)
    let passed = max(0, (instant - anchor.at).nanoseconds / 1_000_000)
    let time = anchor.time + UInt64(passed)
    if wall >= time {
      anchor = (wall, instant)
      return (wall, false)
    }
    guard time - wall > Self.tolerance, clock.wallIsSynchronised else { return (time, false) }
    anchor = (wall, instant)
    return (wall, true)
  }
}
