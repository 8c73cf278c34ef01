import Model

/// How much there was within the newest stretch of time, wherever that stretch begins: no bucket's edge lets twice the
/// limit through.
///
/// What comes within a thirty-second part of the window of each other is kept as one entry that counts until the newest
/// of it is old enough. So it never counts too little, at most 34 entries are kept however much comes, and what comes
/// seldom is counted to the nanosecond. It needs no timer: what is too old is dropped when somebody looks.
public struct SlidingWindow: Sendable, Hashable {
  private struct Entry: Hashable {
    var first: UInt64
    var last: UInt64
    var amount: Int64
  }

  // Nanoseconds: `Duration` has 128 bits, and every activation comes here.
  private let nanoseconds: UInt64
  /// Oldest first, without the newest.
  private var earlier: [Entry] = []
  private var newest = Entry(first: 0, last: 0, amount: 0)
  /// When the oldest entry is too old; never when there is none.
  private var expiry = UInt64.max
  private var sum: Int64 = 0

  /// The most entries there are.
  static let entryLimit = 34

  /// An empty window.
  /// - Parameter length: more than zero.
  public init(_ length: Duration) { nanoseconds = UInt64(max(1, length.nanoseconds)) }

  /// How long an amount counts.
  public var length: Duration { .nanoseconds(Int64(clamping: nanoseconds)) }

  /// Counts `amount`, which must not be negative.
  /// - Parameter now: an instant before the newest entry's counts as that.
  public mutating func add(_ amount: Int64, at now: Instant) {
    let now = now.nanoseconds
    if now >= expiry { drop(at: now) }
    // The entries must add up to the sum, whatever somebody claims to have used.
    let amount = min(amount, .max - sum)
    guard amount > 0 else { return }
    sum += amount
    if newest.amount > 0, now < newest.first &+ nanoseconds / 32 {
      newest.amount += amount
      guard now > newest.last else { return }
      newest.last = now
      if earlier.isEmpty { expiry = Self.end(newest, nanoseconds) }
      return
    }
    if newest.amount > 0 { earlier.append(newest) }
    newest = Entry(first: now, last: now, amount: amount)
    if earlier.isEmpty { expiry = Self.end(newest, nanoseconds) }
  }

  /// How much counts at `now`.
  public mutating func used(at now: Instant) -> Int64 {
    if now.nanoseconds >= expiry { drop(at: now.nanoseconds) }
    return sum
  }

  /// How long until at most `amount` counts, if nothing is added; zero when that is so now.
  public func wait(untilAtMost amount: Int64, at now: Instant) -> Duration {
    var left = sum
    for entry in earlier + [newest] where entry.amount > 0 {
      if left <= amount { break }
      left -= entry.amount
      let end = Self.end(entry, nanoseconds)
      if left <= max(0, amount) {
        return end > now.nanoseconds ? .nanoseconds(Int64(clamping: end - now.nanoseconds)) : .zero
      }
    }
    return .zero
  }

  /// How many entries there are.
  var count: Int { earlier.count + (newest.amount > 0 ? 1 : 0) }

  private mutating func drop(at now: UInt64) {
    var old = 0
    while old < earlier.count, Self.end(earlier[old], nanoseconds) <= now {
      sum -= earlier[old].amount
      old += 1
    }
    if old > 0 { earlier.removeFirst(old) }
    if earlier.isEmpty, newest.amount > 0, Self.end(newest, nanoseconds) <= now {
      sum -= newest.amount
      newest.amount = 0
    }
    expiry =
      if let oldest = earlier.first { Self.end(oldest, nanoseconds) } else if newest.amount > 0 {
        Self.end(newest, nanoseconds)
      } else { .max }
  }

  private static func end(_ entry: Entry, _ nanoseconds: UInt64) -> UInt64 {
    let (end, overflow) = entry.last.addingReportingOverflow(nanoseconds)
    return overflow ? .max : end
  }
}
