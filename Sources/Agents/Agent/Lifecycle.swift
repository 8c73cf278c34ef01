import Model

/// The life of one agent as a table: (state, event) → (state, effects). No clock, no I/O.
///
/// It holds the state and the few counters that the table needs. The time, the queue length and a random number come
/// in with each event. Do not call `apply` while the effects of an earlier call are being carried out: queue the
/// event, because drivers may answer immediately.
public struct Lifecycle: Sendable {
  /// When the agent runs: `always`, `on-demand` or `one-shot`.
  public let kind: Manifest.Lifecycle
  /// The restart policy.
  public let policy: Policy
  /// The current state.
  public private(set) var state: LifecycleState = .idle
  /// When the running instance became ready; nil when none runs.
  public private(set) var started: Instant?
  /// Restarts by policy since the daemon started.
  public private(set) var restarts: UInt64 = 0
  /// Why the last instance ended; nil when none has.
  public private(set) var lastExit: ExitReason?
  /// The last failure; nil when there was none.
  public private(set) var lastFailure: AgentFailure?

  /// The state of the driver's instance.
  private var instance = Instance.none
  /// What follows when the instance has ended. Only meaningful in `draining` and `stopping`.
  private var next = Next.rest
  /// The times of the restarts by policy within the window.
  private var history: [Instant] = []
  /// The number of consecutive restarts after which no instance lived for a whole window.
  private var exponent = 0
  /// The daemon is shutting down: nothing starts any more.
  private var isClosed = false
  /// The reason of the current stop, for `agent:stopped`.
  private var stopReason = ExitReason.killed

  private enum Instance { case none, starting, waiting, busy, ending, endingNow }

  private enum Next {
    /// Stays idle; the queue is dropped.
    case rest
    /// Starts again when events are queued: a one-shot agent between two events.
    case again
    /// A person asked for a restart.
    case start
    /// After a failure: back-off, quarantine or idle, according to the policy.
    case retry
  }

  /// An idle agent that has never run.
  public init(_ kind: Manifest.Lifecycle, policy: Policy) {
    self.kind = kind
    self.policy = policy
  }

  /// Whether an event may be queued for the agent now. When false, the caller must refuse the event.
  ///
  /// An `always` agent that a person stopped stays stopped. An event starts agents of the other kinds.
  public var accepts: Bool {
    switch state {
    case .idle: kind != .always && !isClosed
    case .starting, .ready, .active, .backoff: true
    case .draining, .stopping: next != .rest
    case .quarantined: false
    }
  }

  /// Handles one event.
  /// - Parameters:
  ///   - now: on the monotonic clock.
  ///   - queued: the length of the agent's queue, including the event just delivered.
  ///   - random: from 0 to 1; the jitter of the back-off.
  /// - Returns: the effects to carry out, in order. Empty when the event does not apply in this state, such as a late
  ///   answer or timer.
  public mutating func apply(
    _ event: LifecycleEvent, at now: Instant, queued: Int, random: Double
  ) -> [LifecycleEffect] {
    switch (state, event) {
    // idle: registered, no instance.
    case (.idle, .spawn), (.idle, .restart): return start()
    case (.idle, .deliver): return accepts ? start() : []
    case (.idle, .kill): return [.done]
    case (.idle, .quarantine(let failure)): return quarantine(failure)
    case (.idle, .shutdown): return close()

    // starting: the driver is creating an instance. It always answers, whatever happens in the meantime.
    case (.starting, .started): return ready(queued: queued, at: now)
    case (.starting, .startFailed(let failure)):
      return gone(.startFailed) + [.done] + fail(failure, at: now, random: random)
    case (.starting, .startRefused(let refusal)):
      return gone(.refused) + [.done, .refuse(refusal)] + retryRefusedStart(at: now, random: random)
    case (.starting, .failed(let failure)): return giveUp(failure)
    case (.starting, .exited(let reason, let why)): return crash(reason, why, at: now, random: random)
    case (.starting, .kill(let atOnce)): return end(.killed, now: atOnce, next: .rest)
    case (.starting, .restart): return end(.killed, now: false, next: .start)
    case (.starting, .shed(let reason)): return end(reason, now: false, next: .rest)
    case (.starting, .shutdown): return close()

    // ready: an instance waits for events.
    case (.ready, .deliver): return activate(queued: queued)
    case (.ready, .failed(let failure)): return giveUp(failure)
    case (.ready, .exited(let reason, let why)):
      return leave(reason, why, queued: queued, at: now, random: random)
    case (.ready, .kill(let atOnce)): return end(.killed, now: atOnce, next: .rest)
    case (.ready, .restart): return end(.killed, now: false, next: .start)
    case (.ready, .shed(let reason)): return end(reason, now: false, next: .rest)
    case (.ready, .shutdown): return close()

    // active: an instance handles an event.
    case (.active, .completed): return finish(.completed, queued: queued)
    case (.active, .refused(let refusal)): return [.refuse(refusal)] + finish(.refused, queued: queued)
    case (.active, .failed(let failure)): return giveUp(failure)
    case (.active, .exited(.completed, _)) where kind == .oneShot:
      return gone(.completed) + again(.completed, queued: queued)
    case (.active, .exited(let reason, let why)): return crash(reason, why, at: now, random: random)
    case (.active, .kill(let atOnce)): return end(.killed, now: atOnce, next: .rest)
    case (.active, .restart): return end(.killed, now: false, next: .start)
    case (.active, .shed(let reason)): return end(reason, now: false, next: .rest)
    case (.active, .shutdown): return close()

    // draining: the instance finishes its current event within the grace time and accepts no other.
    case (.draining, .started), (.draining, .completed): return askToStop(at: now)
    case (.draining, .refused(let refusal)): return [.refuse(refusal)] + askToStop(at: now)
    case (.draining, .failed(let failure)): return note(failure) + askToStop(at: now)
    case (.draining, .startFailed(let failure)): return note(failure) + settle(queued: queued, at: now, random: random)
    case (.draining, .startRefused(let refusal)):
      return [.refuse(refusal)] + settle(queued: queued, at: now, random: random)
    case (.draining, .exited): return settle(queued: queued, at: now, random: random)
    case (.draining, .graceElapsed): return stopNow()
    case (.draining, .kill(now: true)): return retarget(.rest, .killed) + stopNow()
    case (.draining, .kill(now: false)): return retarget(.rest, .killed)
    case (.draining, .restart): return retarget(.start, .killed)
    case (.draining, .shed(let reason)): return retarget(.rest, reason)
    case (.draining, .shutdown): return close()

    // stopping: the instance is being stopped immediately.
    case (.stopping, .started): return stopNow()
    case (.stopping, .startFailed(let failure)): return note(failure) + settle(queued: queued, at: now, random: random)
    case (.stopping, .startRefused(let refusal)):
      return [.refuse(refusal)] + settle(queued: queued, at: now, random: random)
    case (.stopping, .exited): return settle(queued: queued, at: now, random: random)
    case (.stopping, .kill): return retarget(.rest, .killed)
    case (.stopping, .restart): return retarget(.start, .killed)
    case (.stopping, .shed(let reason)): return retarget(.rest, reason)
    case (.stopping, .shutdown): return close()

    // backoff: failed, waiting for its restart. Events are queued.
    case (.backoff, .backoffElapsed): return startAgain(queued: queued, at: now)
    case (.backoff, .spawn), (.backoff, .restart): return forgive() + [.cancelTimers] + start()
    case (.backoff, .kill): return [.cancelTimers] + rest(.killed) + [.done]
    case (.backoff, .shed(let reason)): return [.cancelTimers] + rest(reason) + [.done]
    case (.backoff, .shutdown): return close()

    // quarantined: failed too often; only a person can start it again.
    case (.quarantined, .restart): return forgive() + start()
    case (.quarantined, .kill): return [.done]
    case (.quarantined, .shutdown): return close()

    // Every other event is late, or asks for the current state.
    default: return []
    }
  }
}

// MARK: Rows of the table

extension Lifecycle {
  private mutating func start() -> [LifecycleEffect] {
    guard !isClosed else { return [] }
    state = .starting
    instance = .starting
    return [.startInstance]
  }

  private mutating func ready(queued: Int, at now: Instant) -> [LifecycleEffect] {
    instance = .waiting
    state = .ready
    started = now
    let announced = LifecycleEffect.publish(.started(restarts: Int(clamping: restarts)))
    return [announced] + activate(queued: queued)
  }

  private mutating func activate(queued: Int) -> [LifecycleEffect] {
    guard queued > 0 else { return [] }
    state = .active
    instance = .busy
    return [.activate]
  }

  private mutating func finish(_ reason: ExitReason, queued: Int) -> [LifecycleEffect] {
    instance = .waiting
    state = .ready
    return kind == .oneShot ? end(reason, now: false, next: .again) : activate(queued: queued)
  }

  /// Begins to stop an instance that is starting, waiting or handling an event.
  private mutating func end(_ reason: ExitReason, now: Bool, next: Next) -> [LifecycleEffect] {
    self.next = next
    stopReason = reason
    let dropped: [LifecycleEffect] = next == .rest ? [.clearQueue] : []
    if now { return dropped + stopNow() }
    state = .draining
    guard instance == .waiting else { return dropped + [.scheduleGrace(policy.grace)] }
    instance = .ending
    return dropped + [.scheduleGrace(policy.grace), .stopInstance(now: false)]
  }

  /// The drain waited for a start or an activation, which has now ended: stop the instance.
  private mutating func askToStop(at now: Instant) -> [LifecycleEffect] {
    guard instance == .busy || instance == .starting else { return [] }
    if instance == .starting { started = now }
    instance = .ending
    return [.stopInstance(now: false)]
  }

  private mutating func stopNow() -> [LifecycleEffect] {
    let timers: [LifecycleEffect] = state == .draining ? [.cancelTimers] : []
    let first = state != .stopping
    state = .stopping
    switch instance {
    case .starting where first: return timers
    case .none, .endingNow: return timers
    case .starting, .waiting, .busy, .ending:
      instance = .endingNow
      return timers + [.releaseHardware, .stopInstance(now: true)]
    }
  }

  /// Changes what follows when the instance has ended.
  private mutating func retarget(_ next: Next, _ reason: ExitReason) -> [LifecycleEffect] {
    if isClosed { return [] }
    self.next = next
    stopReason = reason
    return next == .rest ? [.clearQueue] : []
  }

  /// An activation failed, or a watchdog gave up on the instance: replace the instance.
  ///
  /// After an error in its handler the instance may shut down gracefully. After any other failure it may never answer,
  /// so stop it immediately.
  private mutating func giveUp(_ failure: AgentFailure) -> [LifecycleEffect] {
    if instance == .busy { instance = .waiting }
    if failure.reason != .error { return note(failure) + end(failure.reason, now: true, next: .retry) }
    return note(failure) + [.releaseHardware] + end(failure.reason, now: false, next: .retry)
  }

  private mutating func note(_ failure: AgentFailure) -> [LifecycleEffect] {
    lastFailure = failure
    return [.publish(.failed(failure)), .record(.failed(failure))]
  }

  /// The instance has ended for `reason`.
  private mutating func gone(_ reason: ExitReason) -> [LifecycleEffect] {
    instance = .none
    lastExit = reason
    return [.releaseHardware]
  }

  /// The instance has ended as requested.
  private mutating func settle(queued: Int, at now: Instant, random: Double) -> [LifecycleEffect] {
    let timers: [LifecycleEffect] = state == .draining ? [.cancelTimers] : []
    let effects = timers + gone(stopReason)
    switch next {
    case .rest: return effects + rest(stopReason) + [.done]
    case .start: return effects + stopped(stopReason) + [.done] + forgive() + start()
    case .again: return effects + again(stopReason, queued: queued)
    case .retry: return effects + [.done] + retry(at: now, random: random)
    }
  }

  /// A one-shot agent has handled its event.
  private mutating func again(_ reason: ExitReason, queued: Int) -> [LifecycleEffect] {
    state = .idle
    started = nil
    return stopped(reason) + [.done] + (queued > 0 ? start() : [])
  }

  /// The instance ended by itself while it was waiting for events.
  private mutating func leave(
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

  /// The instance ended unexpectedly during a start or an activation, or for a reason other than `completed`.
  private mutating func crash(
    _ reason: ExitReason, _ why: String?, at now: Instant, random: Double
  ) -> [LifecycleEffect] {
    let failure = AgentFailure(
      reason, reason == .completed ? "it ended in the middle of an event" : why ?? "it ended unexpectedly")
    return gone(reason) + [.done] + fail(failure, at: now, random: random)
  }

  private mutating func fail(_ failure: AgentFailure, at now: Instant, random: Double) -> [LifecycleEffect] {
    note(failure) + retry(at: now, random: random)
  }

  /// Chooses between back-off, quarantine and idle after the instance has ended. With `restart: never` the agent goes
  /// idle and its queue is dropped; a later event starts it again.
  private mutating func retry(at now: Instant, random: Double) -> [LifecycleEffect] {
    if isClosed || policy.restart == .never { return rest(lastExit ?? .error) }
    history.removeAll { now - $0 >= policy.window }
    guard history.count < policy.maxRestarts else {
      state = .quarantined
      started = nil
      return quarantineForRestarts()
    }
    history.append(now)
    let delay = backOff(at: now, random: random)
    return [
      .publish(.backoff(delay, attempt: history.count)),
      .scheduleBackoff(delay),
    ]
  }

  /// The board refused something that the agent needs to start. Retries with back-off for as long as necessary, and
  /// never leads to quarantine.
  private mutating func retryRefusedStart(at now: Instant, random: Double) -> [LifecycleEffect] {
    if isClosed || policy.restart == .never { return rest(.refused) }
    return [.scheduleBackoff(backOff(at: now, random: random))]
  }

  /// Enters `backoff`.
  /// - Returns: the delay before the restart.
  private mutating func backOff(at now: Instant, random: Double) -> Duration {
    if let started, now - started >= policy.window { exponent = 0 }
    started = nil
    let delay = backoff(random: random)
    exponent += 1
    state = .backoff
    return delay
  }

  private mutating func quarantine(_ failure: AgentFailure) -> [LifecycleEffect] {
    state = .quarantined
    lastFailure = failure
    lastExit = failure.reason
    return [.publish(.quarantined(failure)), .record(.quarantined(failure.reason, failure.message))]
  }

  /// Quarantine after too many restarts; it is stored, so that it survives a restart of the daemon.
  private func quarantineForRestarts() -> [LifecycleEffect] {
    let (reason, restarts) = (lastExit ?? .error, history.count)
    let last = lastFailure.map { "; last: \($0.message)" } ?? ""
    let message = "it was restarted \(restarts) time(s) within \(policy.window.text)\(last)"
    return [
      .clearQueue,
      .publish(.restartedTooOften(reason, restarts: restarts, window: policy.window)),
      .record(.quarantined(reason, "\(reason.rawValue), after \(restarts) restart(s)")),
      .keepQuarantine(AgentFailure(reason, message)),
    ]
  }

  private mutating func startAgain(queued: Int, at now: Instant) -> [LifecycleEffect] {
    // A one-shot agent's event is lost with its instance: restart only for another event.
    if kind == .oneShot && queued == 0 {
      state = .idle
      return []
    }
    restarts += 1
    return start()
  }

  private mutating func rest(_ reason: ExitReason) -> [LifecycleEffect] {
    state = .idle
    started = nil
    lastExit = reason
    return [.clearQueue] + stopped(reason)
  }

  private func stopped(_ reason: ExitReason) -> [LifecycleEffect] {
    let announced = LifecycleEffect.publish(.stopped(reason))
    return reason == .killed ? [announced, .record(.killed)] : [announced]
  }

  private mutating func forgive() -> [LifecycleEffect] {
    history = []
    exponent = 0
    started = nil
    return []
  }

  /// The daemon is shutting down: drain, and start nothing afterwards.
  private mutating func close() -> [LifecycleEffect] {
    if isClosed { return [] }
    isClosed = true
    switch state {
    case .idle, .quarantined: return [.done]
    case .backoff: return [.cancelTimers] + rest(.shutdown) + [.done]
    case .starting, .ready, .active: return end(.shutdown, now: false, next: .rest)
    case .draining, .stopping:
      next = .rest
      stopReason = .shutdown
      return [.clearQueue]
    }
  }

  /// The policy's exponential back-off, minus a random jitter of up to 25 %, so that agents that failed together do not
  /// restart together.
  private func backoff(random: Double) -> Duration {
    let delay = Backoff.delay(first: policy.backoff, longest: policy.maxBackoff, failures: exponent)
    return .nanoseconds(Int64((Double(delay.nanoseconds) * (1 - min(max(0, random), 1) / 4)).rounded()))
  }
}
