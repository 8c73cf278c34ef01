import Agent
import Model

// The events that wait for an agent.
extension ManagedAgent {
  /// Takes an event, starting the agent if need be.
  /// - Throws: why it cannot; the event counts as dropped then, and nobody who waits for it is told.
  func deliver(_ delivery: Delivery) throws(AgentControlError) {
    do throws(AgentControlError) { try enqueue(delivery) } catch {
      dropped += UInt64(delivery.count)
      miss(delivery.event)
      throw error
    }
    feed(.deliver, cause: delivery.cause)
  }

  private func enqueue(_ delivery: Delivery) throws(AgentControlError) {
    if shared.isPaused { throw .paused(id) }
    if let shedReason { throw .cannotRun(id, shedReason) }
    if isLeaving { throw .draining(id) }
    guard lifecycle.accepts else {
      switch lifecycle.state {
      case .quarantined: throw .quarantined(id, trouble)
      case .draining, .stopping: throw .draining(id)
      default: throw .notRunning(id)
      }
    }
    for refused in queue.add(delivery) {
      shared.events.publish(
        AgentEvents.overloaded(id, event: refused.event.type, waiting: queue.count), from: source,
        cause: refused.cause)
      if refused.event.id == delivery.event.id { throw .overloaded(id, queued: queue.count) }
      drop([refused])
    }
  }

  /// Tells everybody who waits for what is not handed over any more.
  func drop(_ deliveries: [Delivery]) {
    for delivery in deliveries {
      dropped += UInt64(delivery.count)
      delivery.finish()
    }
  }

  /// Drops all that waits.
  func clearQueue() { drop(queue.removeAll()) }

  /// The same, and remembers the levels among it.
  func missQueue() {
    let deliveries = queue.removeAll()
    for delivery in deliveries { miss(delivery.event) }
    drop(deliveries)
  }

  /// It does not see an event that was for it.
  private func miss(_ event: Event) {
    if SensorEvents.isName(event.type) || InputEvents.isName(event.type) { missedLevels.insert(event.type) }
  }

  /// Forgets the levels that it has missed.
  /// - Returns: them.
  func takeMissedLevels() -> Set<String> {
    defer { missedLevels = [] }
    return missedLevels
  }

  /// Whether what waits is held back for the board's sake.
  var isHeld: Bool { shared.isThrottled && manifest.policy.priority == .background }
}
