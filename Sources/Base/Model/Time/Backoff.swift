/// Growing waits between attempts: each failure doubles the wait, up to a longest one.
package struct Backoff: Sendable, Hashable {
  /// The wait after the first failure.
  package var first: Duration
  /// The longest wait; `first`, if that is longer.
  package var longest: Duration
  /// Consecutive failures.
  package private(set) var failures = 0

  /// No failures yet.
  /// - Parameter longest: 30 s by default.
  package init(first: Duration, longest: Duration = .seconds(30)) {
    self.first = first
    self.longest = longest
  }

  /// Counts a failure.
  /// - Returns: how long to wait before the next attempt.
  package mutating func next() -> Duration {
    let wait = delay
    failures += 1
    return wait
  }

  /// What `next` would return.
  package var delay: Duration { Self.delay(first: first, longest: longest, failures: failures) }

  /// The wait after one more failure than `failures`.
  package static func delay(first: Duration, longest: Duration, failures: Int) -> Duration {
    let limit = max(first, longest)
    // A longer shift is not needed: 2^20 times any first wait in use is beyond the longest.
    let factor = Int64(1) << Int64(max(0, min(failures, 20)))
    let (product, overflow) = first.nanoseconds.multipliedReportingOverflow(by: factor)
    return overflow ? limit : min(limit, .nanoseconds(product))
  }

  /// Starts again with the shortest wait.
  package mutating func reset() { failures = 0 }
}
