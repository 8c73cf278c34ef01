import Model

/// Exponential back-off: the wait doubles with every failure, up to `longest`.
struct Backoff {
  /// The wait after the first failure.
  var first: Duration
  /// The longest wait.
  var longest: Duration
  /// Failures in a row.
  private(set) var failures = 0

  init(first: Duration, longest: Duration = .seconds(30)) {
    self.first = first
    self.longest = longest
  }

  /// Counts a failure.
  /// - Returns: how long to wait before the next try.
  mutating func next() -> Duration {
    let wait = delay
    failures += 1
    return wait
  }

  /// The wait that `next` would return; does not count a failure.
  var delay: Duration {
    let limit = max(first, longest)
    // The cap keeps the shift in range; any practical limit is reached long before.
    let factor = Int64(1) << Int64(min(failures, 20))
    let (product, overflow) = first.nanoseconds.multipliedReportingOverflow(by: factor)
    return overflow ? limit : min(limit, .nanoseconds(product))
  }

  /// Starts over after a success.
  mutating func reset() { failures = 0 }
}
