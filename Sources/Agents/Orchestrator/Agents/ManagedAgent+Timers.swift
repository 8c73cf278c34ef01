import Agent
import Model

// The timers that the agent has set.
extension ManagedAgent {
  func setTimer(_ name: String, after delay: Duration, repeats: Bool) throws(AgentError) {
    let timers =
      timers
      // Weak: this agent retains its timers.
      ?? AgentTimers(shared.clock) { [weak self] name, cause in self?.timerElapsed(name, cause) }
    try timers.set(name, after: delay, repeats: repeats, cause: calls.cause)
    self.timers = timers
  }

  func cancelTimer(_ name: String) { timers?.cancel(name) }

  /// Cancels all timers, and the questions whose answers would come as events.
  /// - Returns: whether there were any.
  func endTimers() -> Bool {
    defer { timers = nil }
    let hadQuestions = calls.endQuestions()
    timers?.cancelAll()
    return hadQuestions || !(timers?.isEmpty ?? true)
  }

  private func timerElapsed(_ name: String, _ cause: Cause?) {
    // Nobody would get it.
    if (try? checkDelivery()) == nil {
      dropped += 1
      return
    }
    guard !queue.contains(where: { AgentEvents.isTimer($0.type) && $0["timer"]?.string?.isSame(as: name) ?? false })
    else { return }
    // The time that has passed ends a storm, so the chain may go on: only its depth begins anew.
    let cause = cause.map { Cause(id: $0.id, trace: $0.trace, depth: 0) }
    let event = shared.events.publish(
      AgentEvents.timer(id, name: name, manifest.policy.priority), from: source, cause: cause)
    try? deliver(Delivery(event: event, cause: Cause(event), count: 1, waiting: [], isWanted: true))
  }
}
