import Model

/// The newest events, oldest overwritten first; found again by id.
struct EventRing {
  private var slots: [Event] = []
  private var oldest = 0
  private let capacity: Int

  /// A ring for `capacity` events; memory is taken as they come.
  init(capacity: Int) { self.capacity = max(1, capacity) }

  var count: Int { slots.count }

  /// The event at `position`, 0 the oldest.
  subscript(position: Int) -> Event { slots[(oldest + position) % slots.count] }

  mutating func append(_ event: Event) {
    if slots.count < capacity {
      slots.append(event)
    } else {
      slots[oldest] = event
      oldest = (oldest + 1) % capacity
    }
  }

  /// The event called `id`, by binary search: ids grow.
  func find(_ id: ULID) -> Event? {
    let position = firstPosition { $0.id >= id }
    guard position < count, self[position].id == id else { return nil }
    return self[position]
  }

  /// The position of the first event for which `isReached` is true; it must be true for all after it.
  func firstPosition(where isReached: (Event) -> Bool) -> Int {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if isReached(self[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
