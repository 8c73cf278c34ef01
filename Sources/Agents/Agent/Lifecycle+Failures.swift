import Model

/// Failures, and what the policy makes of them.
extension Lifecycle {
  /// An activation failed, or a watchdog gave up on the instance: replace the instance.
  ///
  /// After an error in its handler the instance may shut down gracefully. After any other failure it may never answer,
  /// so stop it immediately.
  mutating func giveUp(_ failure: AgentFailure) -> [LifecycleEffect] {
    if case .active(let since) = phase { phase = .ready(since: since) }
    if failure.reason != .error { return note(failure) + end(failure.reason, now: true, next: .retry) }
    return note(failure) + [.releaseHardware] + end(failure.reason, now: false, next: .retry)
  }

  mutating func note(_ failure: AgentFailure) -> [LifecycleEffect] {
    lastFailure = failure
    return [.publish(.failed(failure)), .record(.failed(failure))]
  }

  /// The instance ended unexpectedly during a start or an activation, or for a reason other than `completed`.
  mutating func crash(
    _ reason: ExitReason, _ why: String?, at now: Instant, random: Double
  ) -> [LifecycleEffect] {
    let failure = AgentFailure(
      reason, reason == .completed ? "it ended in the middle of an event" : why ?? "it ended unexpectedly")
    return gone(reason) + [.done] + fail(failure, at: now, random: random)
  }

  mutating func fail(_ failure: AgentFailure, at now: Instant, random: Double) -> [LifecycleEffect] {
    if failure.reason == .engineAway { return wait(for: failure, at: now, random: random) }
    return note(failure) + retry(at: now, random: random)
  }

  /// The engine that holds its container is away, for which the agent cannot be blamed: tries again with back-off for as long
  /// as necessary, and never leads to quarantine. Said once.
  private mutating func wait(for failure: AgentFailure, at now: Instant, random: Double) -> [LifecycleEffect] {
    let noted = isEngineAway ? [] : note(failure)
    lastFailure = failure
    isEngineAway = true
    if isClosed || policy.restart == .never { return noted + rest(.engineAway) }
    let delay = backOff(at: now, random: random)
    return noted + [.publish(.backoff(delay, attempt: exponent)), .scheduleBackoff(delay)]
  }

  /// Chooses between back-off, quarantine and idle after the instance has ended. With `restart: never` the agent goes
  /// idle and its queue is dropped; a later event starts it again.
  mutating func retry(at now: Instant, random: Double) -> [LifecycleEffect] {
    if isClosed || policy.restart == .never { return rest(lastExit ?? .error) }
    history.removeAll { now - $0 >= policy.window }
    guard history.count < policy.maxRestarts else {
      phase = .quarantined
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
  mutating func retryRefusedStart(at now: Instant, random: Double) -> [LifecycleEffect] {
    if isClosed || policy.restart == .never { return rest(.refused) }
    return [.scheduleBackoff(backOff(at: now, random: random))]
  }

  mutating func startAgain(queued: Int) -> [LifecycleEffect] {
    // A one-shot agent's event is lost with its instance: restart only for another event.
    if kind == .oneShot && queued == 0 {
      phase = .idle
      return []
    }
    restarts += 1
    return start()
  }

  mutating func quarantine(_ failure: AgentFailure) -> [LifecycleEffect] {
    phase = .quarantined
    lastFailure = failure
    lastExit = failure.reason
    return [.publish(.quarantined(failure))]
  }

  /// A person starts it again: earlier failures no longer count.
  mutating func forgive() -> [LifecycleEffect] {
    history = []
    exponent = 0
    return []
  }

  /// Quarantine after too many restarts; it is stored, so that it survives a restart of the daemon.
  private func quarantineForRestarts() -> [LifecycleEffect] {
    let (reason, restarts) = (lastExit ?? .error, history.count)
    let last = lastFailure.map { "; last: \($0.message)" } ?? ""
    let failure = AgentFailure(
      reason, "it was restarted \(restarts) time(s) within \(policy.window.text)\(last)")
    return [
      .clearQueue,
      .publish(.restartedTooOften(reason, restarts: restarts, window: policy.window)),
      .record(.quarantined(failure)),
      .keepQuarantine(failure),
    ]
  }

  /// Enters `backoff`.
  /// - Returns: the delay before the restart.
  private mutating func backOff(at now: Instant, random: Double) -> Duration {
    if let started, now - started >= policy.window { exponent = 0 }
    let delay = delay(random: random)
    exponent += 1
    phase = .backoff
    return delay
  }

  /// The policy's exponential back-off, minus a random jitter of up to 25 %, so that agents that failed together do not
  /// restart together.
  private func delay(random: Double) -> Duration {
    let delay = Backoff.delay(first: policy.backoff, longest: policy.maxBackoff, failures: exponent)
    return .nanoseconds(Int64((Double(delay.nanoseconds) * (1 - min(max(0, random), 1) / 4)).rounded()))
  }
}
