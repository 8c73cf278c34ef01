/// A point in civil time within CEL's range: 0001-01-01T00:00:00Z to 9999-12-31T23:59:59.999999999Z.
package struct CELTimestamp: Sendable, Hashable, Comparable, CustomStringConvertible {
  /// The time since 1970-01-01T00:00:00Z; negative before it.
  package let sinceEpoch: Duration

  /// - Returns: nil outside the years 1 to 9999.
  package init?(sinceEpoch: Duration) {
    guard sinceEpoch >= .seconds(-62_135_596_800), sinceEpoch < .seconds(253_402_300_800) else { return nil }
    self.sinceEpoch = sinceEpoch
  }

  /// - Parameter milliseconds: since 1970; clamped to the year 9999.
  package init(milliseconds: UInt64) {
    sinceEpoch = .milliseconds(Int64(min(milliseconds, 253_402_300_799_999)))
  }

  package static func < (left: CELTimestamp, right: CELTimestamp) -> Bool { left.sinceEpoch < right.sinceEpoch }

  /// RFC 3339 in UTC, without trailing zeros: `2026-01-01T00:00:00.5Z`.
  package var description: String { TimeText.timestamp(self) }

  /// Whole seconds since 1970, rounded down.
  var seconds: Int64 { wholeSeconds(sinceEpoch) }

  /// The fraction of the second, in nanoseconds from 0 to 999,999,999.
  var nanoseconds: Int64 { (sinceEpoch - .seconds(seconds)).components.attoseconds / 1_000_000_000 }
}

/// Whole seconds of a duration, rounded down.
func wholeSeconds(_ duration: Duration) -> Int64 {
  let (seconds, attoseconds) = duration.components
  return attoseconds < 0 ? seconds - 1 : seconds
}
