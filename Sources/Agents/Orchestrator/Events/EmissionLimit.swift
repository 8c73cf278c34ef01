import Model

/// How many events per second one rule or agent may cause, over all causal chains. `TraceLimit` alone would not hold a
/// rule on a sensor, because every reading starts a new chain.
struct EmissionLimit {
  static let most = 4096
  static let window = Duration.seconds(1)

  private var count = 0
  private var end = Instant(nanoseconds: 0)

  /// Counts an event.
  /// - Returns: nil when it is within the limit; otherwise how long until the next is.
  mutating func take(at now: Instant) -> Duration? {
    if now >= end { (count, end) = (0, now + Self.window) }
    guard count < Self.most else { return end - now }
    count += 1
    return nil
  }

  /// Why an event is over the limit.
  static let sentence = "it has led to \(most) events within a second, and may lead to no more"
}
