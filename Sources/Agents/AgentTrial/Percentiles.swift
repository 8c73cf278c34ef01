/// Percentiles of a set of measurements, by the nearest-rank method.
package struct Percentiles: Sendable, Hashable {
  /// The median, in the unit of the measurements.
  package var p50: Int64
  /// The 99th percentile, in the unit of the measurements.
  package var p99: Int64
  /// The maximum, in the unit of the measurements.
  package var max: Int64

  /// - Parameter values: in any order.
  /// - Returns: nil when `values` is empty.
  package init?(_ values: [Int64]) {
    let sorted = values.sorted()
    guard let last = sorted.last else { return nil }
    func rank(_ percent: Int) -> Int64 { sorted[Swift.max(0, (sorted.count * percent + 99) / 100 - 1)] }
    (p50, p99, max) = (rank(50), rank(99), last)
  }
}
