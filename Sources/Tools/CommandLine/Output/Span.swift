import Model

/// Durations in tables and trees.
package enum Span {
  /// The two largest units: `3d4h`, `2h05m`, `1m30s`, `12s`.
  package static func text(_ duration: Duration) -> String {
    let seconds = max(0, duration.nanoseconds / 1_000_000_000)
    let (days, hours, minutes) = (seconds / 86400, seconds / 3600 % 24, seconds / 60 % 60)
    if days > 0 { return "\(days)d\(hours)h" }
    if hours > 0 { return "\(hours)h\(minutes < 10 ? "0" : "")\(minutes)m" }
    if minutes > 0 { return "\(minutes)m\(seconds % 60 < 10 ? "0" : "")\(seconds % 60)s" }
    return "\(seconds)s"
  }

  /// A time difference: `+21 µs`, `+1.4 ms`, `+2.5 s`, `+3m10s`.
  package static func delta(nanoseconds: UInt64) -> String {
    let value = Double(nanoseconds)
    return switch nanoseconds {
    case ..<1_000_000: "+\((value / 1e3).rounded().text) µs"
    case ..<1_000_000_000: "+\(short(value / 1e6)) ms"
    case ..<60_000_000_000: "+\(short(value / 1e9)) s"
    default: "+\(text(.nanoseconds(Int64(clamping: nanoseconds))))"
    }
  }

  private static func short(_ value: Double) -> String {
    value < 10 ? ((value * 10).rounded() / 10).text : value.rounded().text
  }
}
