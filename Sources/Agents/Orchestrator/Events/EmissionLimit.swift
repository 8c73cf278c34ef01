import Model

/// How many events one rule or agent may lead to in a second, whatever chains they belong to: `TraceLimit` begins anew
/// with every chain, and a sensor begins many.
struct EmissionLimit {
  static let most = 4096
  static let window = Duration.seconds(1)

  private var count = 0
  private var end = Instant(nanoseconds: 0)

  /// Counts one more.
  /// - Returns: nil when it may be; else how long until the next may.
  mutating func take(at now: Instant) -> Duration? {
    if now >= end { (count, end) = (0, now + Self.window) }
    guard count < Self.most else { return end - now }
    count += 1
    return nil
  }

  /// Why one may not be.
  static let sentence = "it has led to \(most) events within a second, and may lead to no more"
}
