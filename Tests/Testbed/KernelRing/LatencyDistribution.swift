import Model

/// The distribution of a measured time.
struct LatencyDistribution {
  private let sorted: [UInt64]

  /// Takes nanoseconds.
  init(_ nanoseconds: [UInt64]) { sorted = nanoseconds.sorted() }

  /// The quantile `share`, in nanoseconds.
  func quantile(_ share: Double) -> UInt64 {
    sorted.isEmpty ? 0 : sorted[min(sorted.count - 1, Int(share * Double(sorted.count)))]
  }

  /// `p50 120 µs, p90 …`
  var text: String {
    let parts: [(String, UInt64)] = [
      ("min", quantile(0)), ("p50", quantile(0.5)), ("p90", quantile(0.9)), ("p99", quantile(0.99)),
      ("max", sorted.last ?? 0),
    ]
    return parts.map { "\($0) \($1 / 1000) µs" }.joined(separator: ", ")
  }

  /// A histogram with a bar for each power of two of microseconds.
  var bars: [String] {
    let counts = Dictionary(grouping: sorted) { 64 - ($0 / 1000).leadingZeroBitCount }.mapValues(\.count)
    guard let first = counts.keys.min(), let last = counts.keys.max(), let most = counts.values.max() else { return [] }
    return (first...last).map { power in
      let count = counts[power, default: 0]
      let limit = "< \(1 << power) µs"
      let bar = String(repeating: "█", count: (count * 50 + most - 1) / most)
      return "\(String(repeating: " ", count: max(0, 12 - limit.count)))\(limit) \(bar) \(count)"
    }
  }
}
