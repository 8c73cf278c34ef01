import Glibc

/// Moments as text, in UTC.
package enum UTCText {
  /// The time as `2026-07-01T04:05:06Z` (RFC 3339).
  /// - Parameter milliseconds: since 1970.
  package static func time(_ milliseconds: UInt64) -> String {
    let seconds = Int64(clamping: milliseconds / 1000)
    func part(_ number: Int64) -> String { padded(Int(number)) }
    return
      "\(day(Int(seconds / 86_400)))T\(part(seconds / 3600 % 24)):\(part(seconds / 60 % 60)):\(part(seconds % 60))Z"
  }

  /// The day as `2026-01-31`.
  /// - Parameter day: days since 1970, negative before.
  package static func day(_ day: Int) -> String {
    var (moment, isBeyond) = day.multipliedReportingOverflow(by: 86_400)
    var civil = unsafe tm()
    // SAFETY: both structures are local.
    guard !isBeyond, unsafe gmtime_r(&moment, &civil) != nil else { return "an unknown day" }
    return unsafe "\(Int(civil.tm_year) + 1900)-\(padded(Int(civil.tm_mon) + 1))-\(padded(Int(civil.tm_mday)))"
  }

  private static func padded(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
