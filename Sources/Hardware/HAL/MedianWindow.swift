/// The median of the newest values.
struct MedianWindow {
  private let size: Int
  private var values: [Double] = []
  private var oldest = 0

  /// - Parameter size: how many values count; odd.
  init(_ size: Int) {
    self.size = size
    values.reserveCapacity(size)
  }

  /// Adds a finite value.
  /// - Returns: the median; while there are fewer values than `size`, of those; of an even number, the mean of the two
  ///   in the middle.
  mutating func add(_ value: Double) -> Double {
    if values.count < size {
      values.append(value)
    } else {
      values[oldest] = value
      oldest = (oldest + 1) % size
    }
    let sorted = values.sorted()
    let middle = sorted.count / 2
    if sorted.count % 2 == 1 { return sorted[middle] }
    // Halved first: the sum of two great numbers may be infinite. The bounds undo the rounding of tiny ones.
    let (low, high) = (sorted[middle - 1], sorted[middle])
    return min(max(low / 2 + high / 2, low), high)
  }
}
