import Model

/// The sum of the amounts within a sliding window. Unlike fixed buckets it never lets twice the limit through.
///
/// Amounts that arrive within 1/32 of the window are merged into one entry, which counts until its newest amount
/// expires. So the sum is never too low, there are at most 34 entries, and infrequent amounts are exact to the
/// nanosecond. Expired entries are dropped on access, without a timer.
package struct SlidingWindow: Sendable, Hashable {
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
  /// When the oldest entry expires; `.max` when there is none.
  private var expiry = UInt64.max
  private var sum: Int64 = 0

  /// The most entries.
  static let entryLimit = 34

  /// An empty window.
  /// - Parameter length: how long an amount counts; more than zero.
  package init(_ length: Duration) { nanoseconds = UInt64(max(1, length.nanoseconds)) }

  /// How long an amount counts.
  package var length: Duration { .nanoseconds(Int64(clamping: nanoseconds)) }

  /// Adds `amount`; zero and negative amounts are ignored.
  /// - Parameter now: the time; one before the newest entry's counts as that.
  package mutating func add(_ amount: Int64, at now: Instant) {
    let now = now.nanoseconds
    if now >= expiry { drop(at: now) }
    // Clamp, so that the sum cannot overflow and the entries still add up to it.
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

  /// The sum at `now`.
  package mutating func used(at now: Instant) -> Int64 {
    if now.nanoseconds >= expiry { drop(at: now.nanoseconds) }
    return sum
  }

  /// The time until the sum is at most `amount` if nothing is added; zero when it is now.
  package func wait(untilAtMost amount: Int64, at now: Instant) -> Duration {
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

  /// The number of entries.
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
