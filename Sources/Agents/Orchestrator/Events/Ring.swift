import Agent
import Model

/// The newest of what was added, as far as a count and a number of bytes allow.
struct Ring<Element> {
  private var slots: [(element: Element, bytes: Int)?] = []
  private var oldest = 0
  private let capacity: Int
  private let mostBytes: Int

  /// How many there are.
  private(set) var count = 0
  /// How many bytes they hold.
  private(set) var bytes = 0

  /// An empty ring; memory is taken as it fills.
  /// - Parameters:
  ///   - capacity: the most elements.
  ///   - bytes: the most bytes that they hold together; the newest stays whatever it holds.
  init(capacity: Int, bytes: Int) {
    self.capacity = max(1, capacity)
    mostBytes = bytes
  }

  /// The slot of a position. Cheaper than a division.
  private func place(_ position: Int) -> Int {
    let place = oldest + position
    return place < capacity ? place : place - capacity
  }

  /// The element at `position`, 0 the oldest.
  subscript(position: Int) -> Element {
    guard let slot = slots[place(position)] else { preconditionFailure("no element \(position)") }
    return slot.element
  }

  /// - Parameter added: how many bytes it holds.
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

  /// The newest `number`, oldest first.
  func last(_ number: Int) -> [Element] { (max(0, count - max(0, number))..<count).map { self[$0] } }
}

extension Ring<Event> {
  /// A ring for events, which hold 1 KiB each or less as a rule.
  init(capacity: Int) { self.init(capacity: capacity, bytes: max(2 << 20, capacity << 10)) }

  /// The event called `id`.
  func find(_ id: ULID) -> Event? {
    let position = firstPosition { $0 >= id }
    guard position < count, self.id(at: position) == id else { return nil }
    return self[position]
  }

  /// The position of the first event for whose id `isReached` is true, by binary search: ids grow, and it must be true for
  /// all after it.
  func firstPosition(where isReached: (ULID) -> Bool) -> Int {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if let id = id(at: middle), isReached(id) { high = middle } else { low = middle + 1 }
    }
    return low
  }

  /// Without a copy of the event.
  private func id(at position: Int) -> ULID? { slots[place(position)]?.element.id }
}

extension Ring<LogLine> {
  /// A ring for an agent's log.
  init(lines: Int) {
    self.init(capacity: lines, bytes: 128 << 10)
  }

  mutating func append(_ line: LogLine) { append(line, bytes: MemoryLayout<LogLine>.stride + line.message.memory) }
}
