import Model

/// A rate limit with bursts: holds at most `size` tokens, and refills at `size` tokens a second.
package struct TokenBucket {
  private let size: Double
  private var tokens: Double
  private var filled: Instant

  /// Creates a full bucket.
  package init(_ size: Int, at now: Instant) {
    self.size = Double(size)
    tokens = Double(size)
    filled = now
  }

  /// Whether the bucket has refilled completely.
  package func isFull(at now: Instant) -> Bool { tokens + (now - filled).seconds * size >= size - 1e-9 }

  /// Takes a token.
  /// - Returns: nil on success, otherwise the time until the next token.
  package mutating func take(at now: Instant) -> Duration? {
    if now > filled {
      tokens = min(size, tokens + (now - filled).seconds * size)
      filled = now
    }
    // Tolerates the rounding errors of many small refills.
    guard tokens >= 1 - 1e-9 else { return .nanoseconds(Int64((1 - tokens) / size * 1e9) + 1) }
    tokens -= 1
    return nil
  }
}
