import Model

/// What waits for one agent: the most urgent first, then in the order it came; a storm folds into one.
struct DeliveryQueue {
  /// The most deliveries that wait; beyond it the least urgent is refused.
  static let limit = 64

  private var deliveries: [Delivery] = []

  var count: Int { deliveries.count }
  var isEmpty: Bool { deliveries.isEmpty }

  /// So many may wait before events other than sensor readings are folded: every edge of an input counts, until
  /// there are too many.
  static let foldAbove = 16

  /// Adds a delivery, or folds it into the newest waiting one of the same event type and source: the newest event
  /// counts, and the more urgent of the two priorities.
  /// - Returns: what was refused because too much waits: this one or a less urgent one; nil when nothing was.
  mutating func add(_ delivery: Delivery) -> Delivery? {
    let folds = deliveries.count >= Self.foldAbove || delivery.event.type.hasPrefix("sensor:")
    let same = deliveries.lastIndex {
      $0.event.type == delivery.event.type && $0.event.source == delivery.event.source
    }
    if folds, let same {
      let waiting = deliveries[same]
      deliveries[same].event = delivery.event
      deliveries[same].cause = delivery.cause
      deliveries[same].count += delivery.count
      deliveries[same].waiting += delivery.waiting
      deliveries[same].isWanted = waiting.isWanted || delivery.isWanted
      if delivery.event.priority < waiting.event.priority {
        insert(deliveries.remove(at: same))
      } else {
        deliveries[same].event.priority = waiting.event.priority
      }
      return nil
    }
    insert(delivery)
    return deliveries.count > Self.limit ? deliveries.removeLast() : nil
  }

  private mutating func insert(_ delivery: Delivery) {
    let position = deliveries.firstIndex { $0.event.priority > delivery.event.priority } ?? deliveries.endIndex
    deliveries.insert(delivery, at: position)
  }

  /// Takes the first one out.
  mutating func next() -> Delivery? { deliveries.isEmpty ? nil : deliveries.removeFirst() }

  /// Takes out everything.
  mutating func removeAll() -> [Delivery] {
    defer { deliveries = [] }
    return deliveries
  }

  /// Takes out what only the firing `id` waits for.
  mutating func remove(firing id: UInt64) -> [Delivery] {
    let isOnly: (Delivery) -> Bool = { delivery in
      !delivery.isWanted && !delivery.waiting.isEmpty && delivery.waiting.allSatisfy { $0.firing == id }
    }
    let removed = deliveries.filter(isOnly)
    deliveries.removeAll(where: isOnly)
    for index in deliveries.indices { deliveries[index].waiting.removeAll { $0.firing == id } }
    return removed
  }
}
