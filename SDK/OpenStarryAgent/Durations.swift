extension Duration {
  /// Whole nanoseconds, clamped to 64 bits (292 years).
  public var nanoseconds: Int64 {
    let (seconds, attoseconds) = components
    let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    let (sum, overflow2) = whole.addingReportingOverflow(attoseconds / 1_000_000_000)
    return overflow || overflow2 ? (seconds < 0 ? .min : .max) : sum
  }

  /// Whole milliseconds, rounded up so that nothing above zero becomes zero.
  var milliseconds: Int64 {
    let (seconds, attoseconds) = components
    return Int64(clamping: seconds).multipliedReportingOverflow(by: 1000).partialValue
      &+ (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000
  }

  /// `250ms`, `25s`, `4m`, `3h`: in one unit, rounded up, for messages.
  var rounded: String {
    let milliseconds = max(0, milliseconds)
    func up(_ unit: Int64) -> Int64 { (milliseconds + unit - 1) / unit }
    return switch milliseconds {
    case ..<1000: "\(milliseconds)ms"
    case ..<120_000: "\(up(1000))s"
    case ..<7_200_000: "\(up(60_000))m"
    default: "\(up(3_600_000))h"
    }
  }
}
