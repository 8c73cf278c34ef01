import Agent
import Model

/// An event on its way to one agent.
struct Delivery {
  /// The newest of the folded events.
  var event: Event
  /// What led to it: a rule's firing, or the event itself for a subscription.
  var cause: Cause
  /// The memory of the event in bytes; set by the queue.
  var bytes = 0
  /// How many events were folded into it.
  var count: Int
  /// The firings of rules that wait for it, each with a function to call when it was handled or dropped.
  var waiting: [(firing: UInt64?, done: (EventOutcome) -> Void)]

  /// Whether it includes an event that no firing waits for, such as one of a subscription. Then the end of a firing
  /// does not drop it.
  var isWanted = false

  /// Calls all functions that wait for its end.
  func finish(_ outcome: EventOutcome) { for one in waiting { one.done(outcome) } }

  /// The event as the agent sees it: `count` in the payload says how many were folded.
  var delivered: Event {
    guard count > 1 else { return event }
    var event = event
    event.payload["count"] = .int(Int64(count))
    return event
  }
}
