import Agent
import Model

// The events that wait for an agent.
extension ManagedAgent {
  /// Takes an event and starts the agent if necessary.
  /// - Throws: why it cannot be taken. The event counts as dropped, and its `done` is not called.
  func deliver(_ delivery: Delivery) throws(AgentControlError) {
    do throws(AgentControlError) { try enqueue(delivery) } catch {
      // Nobody expects a disabled agent to take it.
      if !isDisabled { dropped += UInt64(delivery.count) }
      miss(delivery.event)
      throw error
    }
    feed(.deliver, cause: delivery.cause)
  }

  /// Throws why it cannot take an event.
  func checkDelivery() throws(AgentControlError) {
    if isDisabled { throw .disabled(id) }
    if shared.isPaused { throw .paused(id) }
    if let obstacle { throw .cannotRun(id, obstacle) }
    if isLeaving { throw .draining(id) }
    guard lifecycle.accepts else {
      switch lifecycle.state {
      case .quarantined: throw .quarantined(id, trouble)
      case .draining, .stopping: throw .draining(id)
      default: throw .notRunning(id)
      }
    }
  }

  private func enqueue(_ delivery: Delivery) throws(AgentControlError) {
    try checkDelivery()
    for refused in queue.add(delivery) {
      shared.events.publish(
        AgentEvents.overloaded(id, event: refused.event.type, waiting: queue.count), from: source,
        cause: refused.cause)
      if refused.event.id == delivery.event.id { throw .overloaded(id, queued: queue.count) }
      drop([refused])
    }
  }

  /// Ends deliveries that will not be handed over.
  func drop(_ deliveries: [Delivery]) {
    for delivery in deliveries {
      dropped += UInt64(delivery.count)
      delivery.finish(.dropped)
    }
  }

  /// Gives up an event for whose end nobody waits any more. One that waits is dropped. If it is being handled, the agent is
  /// refused what it asks models until it has finished that event.
  func abandon(_ event: ULID, _ why: String) {
    if let waiting = queue.remove(event: event) { return drop([waiting]) }
    if run?.current?.event.id == event { calls.hangUp(why, forGood: false) }
  }

  /// Drops all waiting deliveries.
  func clearQueue() { drop(queue.removeAll()) }

  /// Drops all waiting deliveries and remembers the levels in them.
  func missQueue() {
    let deliveries = queue.removeAll()
    for delivery in deliveries { miss(delivery.event) }
    drop(deliveries)
  }

  /// Counts an event that the agent does not get.
  private func miss(_ event: Event) {
    if SensorEvents.isName(event.type) || InputEvents.isName(event.type) { missedLevels.insert(event.type) }
  }

  /// Forgets the missed levels.
  /// - Returns: the missed levels.
  func takeMissedLevels() -> Set<String> {
    defer { missedLevels = [] }
    return missedLevels
  }

  /// Whether deliveries are held back because the board is short.
  var isHeld: Bool { shared.isThrottled && manifest.policy.priority == .background }
}
