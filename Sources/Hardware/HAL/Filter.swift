import Model

/// Checks and averages the values of one sensor, as `filter` of the board file says.
///
/// A value that `range` or `spike` refuses leaves no trace in the averages.
final class Filter {
  private let settings: FilterSettings
  /// The last value that `range` and `spike` let through.
  private var accepted: (value: Double, at: Instant)?
  /// The value that `spike` refused in the reading before.
  private var candidate: Double?
  private var median: MedianWindow?
  private var mean: MeanWindow?

  init(_ settings: FilterSettings) {
    self.settings = settings
    begin()
  }

  private func begin() {
    accepted = nil
    median = settings.median.map { MedianWindow($0) }
    mean = settings.mean.map { MeanWindow($0) }
  }

  /// Takes a finite value.
  /// - Parameter patience: a silence longer than this makes all earlier values irrelevant.
  /// - Returns: the filtered value; nil when the value is suspect.
  func take(_ value: Double, at now: Instant, patience: Duration) -> Double? {
    if let accepted, now - accepted.at > patience { begin() }
    guard settings.range?.contains(value) ?? true else {
      passOver()
      return nil
    }
    guard isBelievable(value) else { return nil }
    accepted = (value, now)
    let middle = median?.add(value) ?? value
    return mean?.add(middle, at: now) ?? middle
  }

  /// Notes a reading that is not to be taken, so that the next one does not repeat the one before.
  func passOver() { candidate = nil }

  /// Whether a value is near the last accepted one, or repeats the reading before.
  private func isBelievable(_ value: Double) -> Bool {
    guard let spike = settings.spike else { return true }
    let before = candidate.take()
    if let accepted, abs(value - accepted.value) <= spike { return true }
    if let before, abs(value - before) <= spike { return true }
    candidate = value
    return false
  }
}
