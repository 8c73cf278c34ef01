import Model

/// How much there was within the newest stretch of time, wherever that stretch begins: no bucket's edge lets twice the
/// limit through.
///
/// What comes within a thirty-second part of the window of each other is kept as one entry that counts until the newest
/// of it is old enough. So it never counts too little, at most 34 entries are kept however much comes, and what comes
/// seldom is counted to the nanosecond. It needs no timer: what is too old is dropped when somebody looks.
public struct SlidingWindow: Sendable, Hashable {
  private struct Entry: Hashable {
    var first: Instant
    var last: Instant
    var amount: Int64
  }

  /// How long an amount counts.
  public let length: Duration
  private var entries: [Entry] = []
  private var sum: Int64 = 0

  /// The most entries there are.
  static let entryLimit = 34

  /// An empty window.
  /// - Parameter length: more than zero.
  public init(_ length: Duration) { self.length = max(length, .nanoseconds(1)) }

  /// Counts `amount`, which must not be negative.
  /// - Parameter now: an instant before the newest entry's counts as that.
  public mutating func add(_ amount: Int64, at now: Instant) {
    drop(at: now)
    // The entries must add up to the sum, whatever somebody claims to have used.
    let amount = min(amount, .max - sum)
    guard amount > 0 else { return }
    sum += amount
    guard let newest = entries.indices.last, now < entries[newest].first + length / 32 else {
      return entries.append(Entry(first: now, last: now, amount: amount))
    }
    entries[newest].last = max(now, entries[newest].last)
    entries[newest].amount += amount
  }

  /// How much counts at `now`.
  public mutating func used(at now: Instant) -> Int64 {
    drop(at: now)
    return sum
  }

  /// How long until at most `amount` counts, if nothing is added; zero when that is so now.
  public func wait(untilAtMost amount: Int64, at now: Instant) -> Duration {
    var left = sum
    for entry in entries {
      if left <= amount { break }
      left -= entry.amount
      let end = entry.last + length
      if left <= max(0, amount) { return max(.zero, end - now) }
    }
    return .zero
  }

  private mutating func drop(at now: Instant) {
    guard let oldest = entries.first, oldest.last + length <= now else { return }
    var old = 0
    while old < entries.count, entries[old].last + length <= now {
      sum -= entries[old].amount
      old += 1
    }
    entries.removeFirst(old)
  }
}
