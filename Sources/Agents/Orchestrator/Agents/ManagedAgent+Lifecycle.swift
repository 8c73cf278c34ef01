import Agent
import HAL
import Model
import Store

// Feeds the lifecycle and carries out its effects.
extension ManagedAgent {
  /// Feeds an event into the lifecycle and executes the effects. Events that these cause wait for their turn.
  func feed(_ event: LifecycleEvent, cause: Cause?) {
    pending.append((event, cause))
    guard !isExecuting else { return }
    isExecuting = true
    defer { isExecuting = false }
    while !pending.isEmpty {
      let next = pending.removeFirst()
      // Before the effects: what they drop is told why.
      if let ending = next.event.ending { self.ending = ending }
      let effects = lifecycle.apply(
        next.event, at: shared.clock.now, queued: due(for: next.event), random: chance(for: next.event))
      for effect in effects { execute(effect, next.cause) }
      // An agent that waits for a model could not end in time.
      if let ending, lifecycle.state == .draining || lifecycle.state == .stopping {
        calls.hangUp("the agent is being \(ending.rawValue)", forGood: true)
      }
    }
  }

  /// Spreads back-off times. Only an event that may lead to a back-off gets a random number.
  private func chance(for event: LifecycleEvent) -> Double {
    switch event {
    case .startFailed, .startRefused, .failed, .exited: shared.chance()
    default: 0
    }
  }

  private func execute(_ effect: LifecycleEffect, _ cause: Cause?) {
    switch effect {
    case .startInstance: start(cause)
    case .activate: activateNext()
    case .stopInstance(let now): stop(now: now, cause)
    case .cancelStart: cancelStart(cause)
    case .scheduleBackoff(let delay): schedule(.backoffElapsed, after: delay, cause)
    case .scheduleGrace(let delay): schedule(.graceElapsed, after: delay, cause)
    case .cancelTimers:
      timer.map(shared.clock.cancel)
      timer = nil
    case .publish(let news):
      shared.events.publish(news.event(of: id), from: source, cause: cause)
      shared.onNews(self, news, cause)
      if news.endsTimers { _ = endTimers() }
    case .record(let line): keep(line)
    case .keepQuarantine(let failure):
      if let quarantines = shared.quarantines, quarantines.quarantine(of: id) == nil {
        quarantines.quarantine(id, for: failure)
      }
    case .refuse(let refusal): refuse(refusal, cause: cause)
    case .releaseHardware:
      run?.unsubscribe(shared.hardware)
      if run?.instance == nil { endUse() }
      shared.hardware.releaseAll(holder: source, cause: cause)
      calls.shadow?.end(cause)
    case .clearQueue: clearQueue()
    case .done:
      let waiting = onEnd
      onEnd = []
      for action in waiting { action() }
    }
  }

  private func schedule(_ event: LifecycleEvent, after delay: Duration, _ cause: Cause?) {
    timer = shared.clock.schedule(after: delay) { [weak self] in self?.feed(event, cause: cause) }
  }
}

extension LifecycleEvent {
  /// What somebody does to end the instance; nil for any other event.
  fileprivate var ending: AgentStatus.Ending? {
    switch self {
    case .kill(now: false), .end, .shutdown: .stopped
    case .kill(now: true): .killed
    case .restart: .restarted
    default: nil
    }
  }
}
