import Model

/// A rate limit that allows bursts: so many at once, and as many again each second.
package struct TokenBucket {
  private let size: Double
  private var tokens: Double
  private var filled: Instant

  /// A full bucket of `size` tokens.
  package init(_ size: Int, at now: Instant) {
    self.size = Double(size)
    tokens = Double(size)
    filled = now
  }

  /// Whether nothing is missing.
  package func isFull(at now: Instant) -> Bool { tokens + (now - filled).seconds * size >= size - 1e-9 }

  /// Takes a token.
  /// - Returns: nil when there was one, else how long it is until there is.
  package mutating func take(at now: Instant) -> Duration? {
    if now > filled {
      tokens = min(size, tokens + (now - filled).seconds * size)
      filled = now
    }
    // Filling in small steps adds up to a hair less than one.
    guard tokens >= 1 - 1e-9 else { return .nanoseconds(Int64((1 - tokens) / size * 1e9) + 1) }
    tokens -= 1
    return nil
  }
}
