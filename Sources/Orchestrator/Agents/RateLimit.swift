import Model

/// At most so many within any stretch of time: remembers when the last ones were.
struct RateLimit {
  private let rate: Rate
  private var taken: [Instant] = []
  private var oldest = 0

  init(_ rate: Rate) { self.rate = rate }

  /// Takes one.
  /// - Returns: nil when it was taken; otherwise how long until one is free.
  mutating func take(at now: Instant) -> Duration? {
    guard rate.count > 0 else { return rate.per }
    if taken.count < rate.count {
      taken.append(now)
      return nil
    }
    let free = taken[oldest] + rate.per
    guard free <= now else { return free - now }
    taken[oldest] = now
    oldest = (oldest + 1) % rate.count
    return nil
  }
}
