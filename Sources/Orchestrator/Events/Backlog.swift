import Model

/// Events that wait to be handed on: the most urgent first, then in the order they came; bounded.
struct Backlog {
  /// One priority's events; those before `head` have been taken.
  private struct Level {
    var events: [Event] = []
    var head = 0

    var isEmpty: Bool { head == events.count }

    mutating func takeFirst() -> Event {
      let event = events[head]
      head += 1
      if isEmpty {
        // What a storm needed is given back.
        events.removeAll(keepingCapacity: events.capacity <= 64)
        head = 0
      } else if head >= 256 && head * 2 >= events.count {
        events.removeFirst(head)
        head = 0
      }
      return event
    }
  }

  private let limit: Int
  private var levels = [Level](repeating: Level(), count: Priority.allCases.count)
  private(set) var count = 0

  /// Nothing waits.
  /// - Parameter limit: the most events that wait.
  init(limit: Int) { self.limit = limit }

  /// Adds an event. Where too many wait, the newest of the least urgent ones gives way: this one, unless there is one
  /// that is less urgent.
  /// - Returns: whether an event was shed.
  mutating func add(_ event: Event) -> Bool {
    let level = event.priority.rawValue
    let isFull = count >= limit
    if isFull {
      guard let least = levels.lastIndex(where: { !$0.isEmpty }), least > level else { return true }
      levels[least].events.removeLast()
      count -= 1
    }
    levels[level].events.append(event)
    count += 1
    return isFull
  }

  /// Takes out the next event; nil when none waits.
  mutating func next() -> Event? {
    guard let level = levels.firstIndex(where: { !$0.isEmpty }) else { return nil }
    count -= 1
    return levels[level].takeFirst()
  }
}
