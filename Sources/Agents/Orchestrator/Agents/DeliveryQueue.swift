import Model

/// The deliveries that wait for one agent: the most urgent first, then in order of arrival. A storm is folded into one.
struct DeliveryQueue {
  /// The most deliveries, and the most memory of their events in bytes. Beyond either the least urgent are refused.
  static let limit = 64
  static let mostBytes = 256 << 10

  private var deliveries: [Delivery] = []
  /// The memory of the events in bytes.
  private(set) var bytes = 0

  var count: Int { deliveries.count }
  var isEmpty: Bool { deliveries.isEmpty }

  /// Whether such an event waits.
  func contains(where isSuch: (Event) -> Bool) -> Bool { deliveries.contains { isSuch($0.event) } }

  /// From this number on, events other than sensor readings are folded too. Below it every edge of an input is
  /// delivered.
  static let foldAbove = 16

  /// Adds a delivery, or folds it into the newest waiting one of the same event type and source, with the newest event
  /// and the higher priority.
  /// - Returns: the deliveries that were refused for want of room: this one or less urgent ones.
  mutating func add(_ added: Delivery) -> [Delivery] {
    var delivery = added
    delivery.bytes = added.event.memory
    bytes += delivery.bytes
    // Each timer has events of its own, of which at most one waits.
    let folds =
      SensorEvents.isName(delivery.event.type)
      || deliveries.count >= Self.foldAbove && !AgentEvents.isPrivate(delivery.event.type)
    let same = deliveries.lastIndex {
      $0.event.type == delivery.event.type && $0.event.source == delivery.event.source
    }
    if folds, let same {
      let waiting = deliveries[same]
      bytes -= waiting.bytes
      deliveries[same].event = delivery.event
      deliveries[same].bytes = delivery.bytes
      deliveries[same].cause = delivery.cause
      deliveries[same].count += delivery.count
      deliveries[same].waiting += delivery.waiting
      deliveries[same].isWanted = waiting.isWanted || delivery.isWanted
      if delivery.event.priority < waiting.event.priority {
        insert(deliveries.remove(at: same))
      } else {
        deliveries[same].event.priority = waiting.event.priority
      }
    } else {
      insert(delivery)
    }
    var refused: [Delivery] = []
    while deliveries.count > Self.limit || deliveries.count > 1 && bytes > Self.mostBytes {
      refused.append(taken(deliveries.removeLast()))
    }
    return refused
  }

  private mutating func insert(_ delivery: Delivery) {
    let position = deliveries.firstIndex { $0.event.priority > delivery.event.priority } ?? deliveries.endIndex
    deliveries.insert(delivery, at: position)
  }

  /// Puts a delivery back that was taken and not handled, before others of its priority.
  mutating func putBack(_ delivery: Delivery) {
    bytes += delivery.bytes
    let position = deliveries.firstIndex { $0.event.priority >= delivery.event.priority } ?? deliveries.endIndex
    deliveries.insert(delivery, at: position)
  }

  private mutating func taken(_ delivery: Delivery) -> Delivery {
    bytes -= delivery.bytes
    return delivery
  }

  /// Removes and returns the first delivery; nil when none waits.
  mutating func next() -> Delivery? { deliveries.isEmpty ? nil : taken(deliveries.removeFirst()) }

  /// Removes and returns the delivery of one event that was folded with no other; nil when it does not wait.
  mutating func remove(event id: ULID) -> Delivery? {
    guard let index = deliveries.firstIndex(where: { $0.event.id == id && $0.count == 1 }) else { return nil }
    return taken(deliveries.remove(at: index))
  }

  /// Removes and returns all deliveries.
  mutating func removeAll() -> [Delivery] {
    defer { (deliveries, bytes) = ([], 0) }
    return deliveries
  }

  /// Removes and returns the deliveries that only the firing `id` waits for.
  mutating func remove(firing id: UInt64) -> [Delivery] {
    let isOnly: (Delivery) -> Bool = { delivery in
      !delivery.isWanted && !delivery.waiting.isEmpty && delivery.waiting.allSatisfy { $0.firing == id }
    }
    let removed = deliveries.filter(isOnly)
    for delivery in removed { bytes -= delivery.bytes }
    deliveries.removeAll(where: isOnly)
    for index in deliveries.indices { deliveries[index].waiting.removeAll { $0.firing == id } }
    return removed
  }
}
