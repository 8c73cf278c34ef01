/// The distribution of measured times. Single figures mislead on a shared machine.
struct SampleDistribution {
  private var sorted: [Double]

  /// - Parameter samples: at least one, all in the same unit.
  init(_ samples: [Double]) { sorted = samples.sorted() }

  /// The quantile `share` (0 to 1).
  func percentile(_ share: Double) -> Double {
    sorted[min(sorted.count - 1, Int((Double(sorted.count) * share).rounded(.down)))]
  }

  /// `min 11  p50 12.3  p90 14  p99 20.1  max 40.2 µs (n=1000)`.
  func text(_ unit: String) -> String {
    let parts = [("min", 0.0), ("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("max", 1.0)]
    let figures = parts.map { "\($0.0) \(Self.round(percentile($0.1)))" }.joined(separator: "  ")
    return "\(figures) \(unit) (n=\(sorted.count))"
  }

  /// A figure with at most three significant digits, or rounded to an integer.
  static func round(_ value: Double) -> String {
    if value >= 100 { return "\(Int(value.rounded()))" }
    let scaled = (value * (value >= 10 ? 10 : 100)).rounded() / (value >= 10 ? 10 : 100)
    return scaled == scaled.rounded() ? "\(Int(scaled))" : "\(scaled)"
  }
}
