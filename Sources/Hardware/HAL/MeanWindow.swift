import Model

/// The mean of the values of the last seconds, with bounded memory: values that lie closer together than a 32nd of the
/// window share a slot, and leave the window together.
struct MeanWindow {
  private struct Slot {
    var since: Instant
    var count: Double
    var mean: Double

    mutating func add(_ value: Double) {
      count += 1
      // The two bounds undo rounding: a mean is never outside its values.
      let (low, high) = (min(mean, value), max(mean, value))
      mean = min(max(mean + (value / count - mean / count), low), high)
    }
  }

  private static let slots = 32
  private let length: Duration
  private var slots: [Slot] = []

  /// The number of slots in use.
  var slotCount: Int { slots.count }

  /// - Parameter length: the length of the window.
  init(_ length: Duration) { self.length = length }

  /// Adds a finite value, measured now.
  /// - Returns: the mean of the values in the window.
  mutating func add(_ value: Double, at now: Instant) -> Double {
    let left = slots.firstIndex { now - $0.since < length } ?? slots.count
    slots.removeFirst(left)
    if let last = slots.indices.last, now - slots[last].since < length / Self.slots {
      slots[last].add(value)
    } else {
      slots.append(Slot(since: now, count: 1, mean: value))
    }
    let count = slots.reduce(0) { $0 + $1.count }
    let mean = slots.reduce(0) { $0 + $1.mean * ($1.count / count) }
    let means = slots.map(\.mean)
    return min(max(mean, means.min() ?? value), means.max() ?? value)
  }
}
