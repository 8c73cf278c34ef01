import Agent
import Model

/// The newest elements, bounded in number and bytes.
struct Ring<Element> {
  private var slots: [(element: Element, bytes: Int)?] = []
  private var oldest = 0
  private let capacity: Int
  private let mostBytes: Int

  /// How many elements there are.
  private(set) var count = 0
  /// The memory of the elements in bytes.
  private(set) var bytes = 0

  /// An empty ring. It allocates memory as it fills.
  /// - Parameters:
  ///   - capacity: the most elements.
  ///   - bytes: the most memory of all elements together. The newest element stays, whatever its size.
  init(capacity: Int, bytes: Int) {
    self.capacity = max(1, capacity)
    mostBytes = bytes
  }

  /// The slot of a position; cheaper than a division.
  private func place(_ position: Int) -> Int {
    let place = oldest + position
    return place < capacity ? place : place - capacity
  }

  /// The element at `position`; 0 is the oldest.
  subscript(position: Int) -> Element {
    guard let slot = slots[place(position)] else { preconditionFailure("no element \(position)") }
    return slot.element
  }

  /// - Parameter added: its memory in bytes.
  mutating func append(_ element: Element, bytes added: Int) {
    while count == capacity || count > 0 && bytes + added > mostBytes { dropOldest() }
    let place = place(count)
    if place == slots.count { slots.append((element, added)) } else { slots[place] = (element, added) }
    count += 1
    bytes += added
  }

  private mutating func dropOldest() {
    bytes -= slots[oldest]?.bytes ?? 0
    slots[oldest] = nil
    oldest = place(1)
    count -= 1
  }

  /// The newest `number` elements, oldest first.
  func last(_ number: Int) -> [Element] { (max(0, count - max(0, number))..<count).map { self[$0] } }
}

extension Ring<Event> {
  /// A ring for events, which usually have 1 KiB each or less.
  init(capacity: Int) { self.init(capacity: capacity, bytes: max(2 << 20, capacity << 10)) }

  /// The event with an id; nil when it is not in the ring.
  func find(_ id: ULID) -> Event? {
    let position = firstPosition { $0 >= id }
    guard position < count, self.id(at: position) == id else { return nil }
    return self[position]
  }

  /// The position of the first event whose id satisfies `isReached`, by binary search. Ids grow, and `isReached` must
  /// be true for all later ones.
  func firstPosition(where isReached: (ULID) -> Bool) -> Int {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if let id = id(at: middle), isReached(id) { high = middle } else { low = middle + 1 }
    }
    return low
  }

  /// Avoids a copy of the event.
  private func id(at position: Int) -> ULID? { slots[place(position)]?.element.id }
}

extension Ring<LogLine> {
  /// A ring for an agent's log.
  init(lines: Int) {
    self.init(capacity: lines, bytes: 128 << 10)
  }

  mutating func append(_ line: LogLine) { append(line, bytes: MemoryLayout<LogLine>.stride + line.message.memory) }
}
