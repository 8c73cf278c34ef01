import Model

/// Events that wait to be handed on: the most urgent first, then in order of arrival. Bounded in number and memory.
struct Backlog {
  /// The events of one priority; those before `head` have been taken.
  private struct Level {
    var events: [(event: Event, bytes: Int)?] = []
    var head = 0

    var isEmpty: Bool { head == events.count }

    mutating func takeFirst() -> (event: Event, bytes: Int)? {
      // Release a taken event at once, not only when its slot is reused.
      let taken = events[head].take()
      head += 1
      if isEmpty {
        // Give back the memory that a storm needed.
        events.removeAll(keepingCapacity: events.capacity <= 64)
        head = 0
      } else if head >= 256 && head * 2 >= events.count {
        events.removeFirst(head)
        head = 0
      }
      return taken
    }
  }

  private let limit: Int
  private let mostBytes: Int
  private var levels = [Level](repeating: Level(), count: Priority.allCases.count)
  private(set) var count = 0
  /// The memory of the waiting events, in bytes.
  private(set) var bytes = 0

  /// An empty backlog.
  /// - Parameters:
  ///   - limit: the most events that wait.
  ///   - bytes: the most memory that they use together, in bytes.
  init(limit: Int, bytes: Int) {
    self.limit = limit
    mostBytes = bytes
  }

  /// Adds an event. When there are too many, or they use too much memory, the newest of the least urgent events are
  /// shed; that can be the added one.
  /// - Parameter size: its memory in bytes.
  /// - Returns: how many events were shed.
  mutating func add(_ event: Event, bytes size: Int) -> Int {
    let level = event.priority.rawValue
    var shed = 0
    while count >= limit || count > 0 && bytes + size > mostBytes {
      shed += 1
      guard let least = levels.lastIndex(where: { !$0.isEmpty }), least > level,
        let last = levels[least].events.removeLast()
      else { return shed }
      count -= 1
      bytes -= last.bytes
    }
    levels[level].events.append((event, size))
    count += 1
    bytes += size
    return shed
  }

  /// Removes and returns the next event; nil when none waits.
  mutating func next() -> Event? {
    guard let level = levels.firstIndex(where: { !$0.isEmpty }), let taken = levels[level].takeFirst() else {
      return nil
    }
    count -= 1
    bytes -= taken.bytes
    return taken.event
  }
}
