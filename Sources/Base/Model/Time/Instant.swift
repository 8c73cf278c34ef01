/// A point on the monotonic clock, CLOCK_MONOTONIC (clock_gettime(2)).
package struct Instant: Hashable, Comparable, Sendable {
  /// Nanoseconds since boot.
  package var nanoseconds: UInt64

  /// The point `nanoseconds` after boot.
  package init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

  package static func < (left: Instant, right: Instant) -> Bool { left.nanoseconds < right.nanoseconds }

  /// The point `duration` later, or earlier if negative; clamped to the range instead of wrapping.
  package static func + (instant: Instant, duration: Duration) -> Instant {
    let delta = duration.nanoseconds
    let (sum, overflow) =
      delta >= 0
      ? instant.nanoseconds.addingReportingOverflow(UInt64(delta))
      : instant.nanoseconds.subtractingReportingOverflow(UInt64(delta.magnitude))
    return Instant(nanoseconds: overflow ? (delta >= 0 ? .max : 0) : sum)
  }

  /// The time since `earlier`; negative when `earlier` is later.
  package static func - (instant: Instant, earlier: Instant) -> Duration {
    instant >= earlier
      ? .nanoseconds(Int64(clamping: instant.nanoseconds - earlier.nanoseconds))
      : .nanoseconds(-Int64(clamping: earlier.nanoseconds - instant.nanoseconds))
  }
}

extension Duration {
  /// The duration in seconds.
  package var seconds: Double { Double(nanoseconds) / 1e9 }
}
