/// A point on the monotonic clock: nanoseconds since boot, as CLOCK_MONOTONIC counts (clock_gettime(2)).
public struct Instant: Hashable, Comparable, Sendable {
  /// Nanoseconds since boot.
  public var nanoseconds: UInt64

  /// The point `nanoseconds` after boot.
  public init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

  public static func < (left: Instant, right: Instant) -> Bool { left.nanoseconds < right.nanoseconds }

  /// The point `duration` later; stops at the ends of the scale instead of wrapping.
  public static func + (instant: Instant, duration: Duration) -> Instant {
    let delta = duration.nanoseconds
    let (sum, overflow) =
      delta >= 0
      ? instant.nanoseconds.addingReportingOverflow(UInt64(delta))
      : instant.nanoseconds.subtractingReportingOverflow(UInt64(delta.magnitude))
    return Instant(nanoseconds: overflow ? (delta >= 0 ? .max : 0) : sum)
  }

  /// How long after `earlier` this is; negative when it is before.
  public static func - (instant: Instant, earlier: Instant) -> Duration {
    instant >= earlier
      ? .nanoseconds(Int64(clamping: instant.nanoseconds - earlier.nanoseconds))
      : .nanoseconds(-Int64(clamping: earlier.nanoseconds - instant.nanoseconds))
  }
}

extension Duration {
  /// Seconds as floating point.
  public var seconds: Double { Double(nanoseconds) / 1e9 }
}
