/// What many measurements come to, by nearest rank.
public struct Distribution: Sendable, Hashable {
  /// Half of them are no larger.
  public var p50: Int64
  /// Ninety-nine of a hundred are no larger.
  public var p99: Int64
  /// The largest.
  public var max: Int64

  /// Counts.
  /// - Returns: nil when there are none.
  public init?(_ values: [Int64]) {
    let sorted = values.sorted()
    guard let last = sorted.last else { return nil }
    func rank(_ percent: Int) -> Int64 { sorted[Swift.max(0, (sorted.count * percent + 99) / 100 - 1)] }
    (p50, p99, max) = (rank(50), rank(99), last)
  }
}
