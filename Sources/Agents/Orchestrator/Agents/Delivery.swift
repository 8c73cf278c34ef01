import Model

/// An event on its way to one agent.
struct Delivery {
  /// The newest of the events that were folded into it.
  var event: Event
  /// What led to it: the rule's firing, or the event itself where a manifest subscribes.
  var cause: Cause
  /// How many bytes the event holds; counted by the queue.
  var bytes = 0
  /// How many events it stands for.
  var count: Int
  /// Which firings of rules wait for it, and what to call when it has been handled or dropped.
  var waiting: [(firing: UInt64?, done: () -> Void)]

  /// Whether an event that nobody waits for is in it, as when an agent subscribes: then no end of a firing drops it.
  var isWanted = false

  /// Tells everybody who waits that it is over.
  func finish() { for one in waiting { one.done() } }

  /// The event as the agent sees it: `count` in the payload tells of a storm that was folded.
  var delivered: Event {
    guard count > 1 else { return event }
    var event = event
    event.payload["count"] = .int(Int64(count))
    return event
  }
}
