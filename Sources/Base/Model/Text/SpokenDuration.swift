extension Duration {
  /// The duration for people, in the two largest units: `2 d 3 h`, `23 h 58 min`, `5 min`, `12 s`, `350 ms`. Rounded
  /// up, so that a retry after this time is not too early.
  package var spoken: String {
    let milliseconds = max(0, (nanoseconds + 999_999) / 1_000_000)
    if milliseconds < 1000 { return "\(milliseconds) ms" }
    let seconds = (milliseconds + 999) / 1000
    if seconds < 3600 { return Self.two(seconds / 60, "min", seconds % 60, "s") }
    let minutes = (seconds + 59) / 60
    if minutes < 24 * 60 { return Self.two(minutes / 60, "h", minutes % 60, "min") }
    let hours = (minutes + 59) / 60
    return Self.two(hours / 24, "d", hours % 24, "h")
  }

  private static func two(_ large: Int64, _ largeUnit: String, _ small: Int64, _ smallUnit: String) -> String {
    let parts = [(large, largeUnit), (small, smallUnit)].filter { $0.0 > 0 }
    return parts.map { "\($0.0) \($0.1)" }.joined(separator: " ")
  }
}
