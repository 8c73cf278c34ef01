import Model

/// The rows of the table.
extension Lifecycle {
  mutating func start() -> [LifecycleEffect] {
    guard !isClosed else { return [] }
    phase = .starting
    return [.startInstance]
  }

  mutating func ready(queued: Int, at now: Instant) -> [LifecycleEffect] {
    phase = .ready(since: now)
    isEngineAway = false
    let announced = LifecycleEffect.publish(.started(restarts: Int(clamping: restarts)))
    return [announced] + activate(since: now, queued: queued)
  }

  mutating func activate(since: Instant, queued: Int) -> [LifecycleEffect] {
    guard queued > 0 else { return [] }
    phase = .active(since: since)
    return [.activate]
  }

  mutating func finish(_ reason: ExitReason, since: Instant, queued: Int) -> [LifecycleEffect] {
    phase = .ready(since: since)
    return kind == .oneShot ? end(reason, now: false, next: .again) : activate(since: since, queued: queued)
  }

  /// The instance ended by itself while it was waiting for events.
  mutating func leave(
    _ reason: ExitReason, _ why: String?, queued: Int, at now: Instant, random: Double
  ) -> [LifecycleEffect] {
    guard reason == .completed else { return crash(reason, why, at: now, random: random) }
    let effects = gone(reason)
    // Queued events need an instance, and so does `always`. Start it after a back-off: it may exit again immediately.
    if policy.restart == .always || queued > 0 {
      return effects + stopped(reason) + [.done] + retry(at: now, random: random)
    }
    return effects + rest(reason) + [.done]
  }

  /// A one-shot agent has handled its event.
  mutating func again(_ reason: ExitReason, queued: Int) -> [LifecycleEffect] {
    phase = .idle
    return stopped(reason) + [.done] + (queued > 0 ? start() : [])
  }

  mutating func rest(_ reason: ExitReason) -> [LifecycleEffect] {
    phase = .idle
    lastExit = reason
    return [.clearQueue] + stopped(reason)
  }

  func stopped(_ reason: ExitReason) -> [LifecycleEffect] {
    let announced = LifecycleEffect.publish(.stopped(reason))
    switch reason {
    case .killed, .parentEnded, .siblingFailed, .pressure: return [announced, .record(.stopped(reason))]
    // A failure has its line already. The others are in order.
    default: return [announced]
    }
  }

  /// The instance has ended for `reason`.
  mutating func gone(_ reason: ExitReason) -> [LifecycleEffect] {
    lastExit = reason
    return [.releaseHardware]
  }

  /// The daemon is shutting down: drain, and start nothing afterwards.
  mutating func close() -> [LifecycleEffect] {
    if isClosed { return [] }
    let effects = retarget(.rest, .shutdown)
    isClosed = true
    switch phase {
    case .idle, .quarantined: return [.done]
    case .backoff: return [.cancelTimers] + rest(.shutdown) + [.done]
    case .starting, .ready, .active: return end(.shutdown, now: false, next: .rest)
    case .draining, .stopping: return effects
    }
  }
}

// MARK: The end of an instance

extension Lifecycle {
  /// Begins to stop an instance that is starting, waiting or handling an event.
  mutating func end(_ reason: ExitReason, now: Bool, next: Next) -> [LifecycleEffect] {
    let awaited: Answer? =
      switch phase {
      case .starting: .start
      case .active: .activation
      default: nil
      }
    let ending = Ending(awaited: awaited ?? .stop, next: next, reason: reason, started: started)
    let dropped: [LifecycleEffect] = next == .rest ? [.clearQueue] : []
    if now { return dropped + stopNow(ending) }
    phase = .draining(ending)
    let effects = dropped + [.scheduleGrace(policy.grace)]
    switch awaited {
    case nil: return effects + [.stopInstance(now: false)]
    case .start: return effects + [.cancelStart]
    default: return effects
    }
  }

  /// The drain waited for a start or an activation, which has now ended: stop the instance.
  mutating func askToStop(_ ending: Ending, at now: Instant) -> [LifecycleEffect] {
    var ending = ending
    switch ending.awaited {
    case .start: ending.started = now
    case .activation: break
    case .stop, .stopNow: return []
    }
    ending.awaited = .stop
    phase = .draining(ending)
    return [.stopInstance(now: false)]
  }

  /// Stops the instance immediately, or gives its start up.
  mutating func stopNow(_ ending: Ending) -> [LifecycleEffect] {
    let timers: [LifecycleEffect] = state == .draining ? [.cancelTimers] : []
    phase = .stopping(ending)
    return timers + (ending.awaited == .start ? [.cancelStart] : stopStarted(ending))
  }

  /// Stops the instance immediately, unless that has been asked for.
  mutating func stopStarted(_ ending: Ending) -> [LifecycleEffect] {
    if ending.awaited == .stopNow { return [] }
    var ending = ending
    ending.awaited = .stopNow
    phase = .stopping(ending)
    return [.releaseHardware, .stopInstance(now: true)]
  }

  /// Changes what follows when the instance has ended.
  /// - Parameter reason: nil leaves the reason of its end as it is.
  mutating func retarget(_ next: Next, _ reason: ExitReason? = nil) -> [LifecycleEffect] {
    switch phase {
    case .draining(var ending):
      let effects = ending.retarget(next, reason, unless: isClosed)
      phase = .draining(ending)
      return effects
    case .stopping(var ending):
      let effects = ending.retarget(next, reason, unless: isClosed)
      phase = .stopping(ending)
      return effects
    case .idle, .starting, .ready, .active, .backoff, .quarantined: return []
    }
  }

  /// The instance has ended as requested.
  mutating func settle(_ ending: Ending, queued: Int, at now: Instant, random: Double) -> [LifecycleEffect] {
    let timers: [LifecycleEffect] = state == .draining ? [.cancelTimers] : []
    let effects = timers + gone(ending.reason)
    switch ending.next {
    case .rest: return effects + rest(ending.reason) + [.done]
    case .start: return effects + stopped(ending.reason) + [.done] + forgive() + start()
    case .comeBack: return effects + stopped(ending.reason) + [.done] + start()
    case .again: return effects + again(ending.reason, queued: queued)
    case .retry: return effects + [.done] + retry(at: now, random: random)
    }
  }
}
