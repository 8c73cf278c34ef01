import Model

/// How long to wait before the next try: doubles with every failure, up to a longest wait.
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

  /// What `next` would return.
  var delay: Duration {
    let limit = max(first, longest)
    // Beyond 2^20 the longest wait has long been reached, whatever the first one was.
    let factor = Int64(1) << Int64(min(failures, 20))
    let (product, overflow) = first.nanoseconds.multipliedReportingOverflow(by: factor)
    return overflow ? limit : min(limit, .nanoseconds(product))
  }

  /// Begins again: something worked.
  mutating func reset() { failures = 0 }
}
