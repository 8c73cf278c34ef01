import Model

/// The steps between a true condition and a firing: `for`, `debounce`, `throttle`.
extension RuleEngine {
  /// `for`: the first match starts the timer. When it expires, the newest event passes, and from then on every match
  /// passes, until the condition is false.
  func hold(_ one: RuleProgress, _ folded: RuleProgress.Folded) {
    guard let length = one.rule.declaration.hold else { return settle(one, folded) }
    guard one.heldSince != nil else {
      one.held = folded
      awaitHold(one, length)
      return
    }
    if one.held != nil { one.held?.fold(folded) } else { settle(one, folded) }
  }

  /// Starts or restarts the `for` timer.
  func awaitHold(_ one: RuleProgress, _ length: Duration) {
    if let timer = one.holdTimer { clock.cancel(timer) }
    one.heldSince = clock.now
    one.holdTimer = clock.schedule(after: length) { [weak self, weak one] in
      guard let self, let one else { return }
      one.holdTimer = nil
      if let held = one.held {
        one.held = nil
        settle(one, held)
      }
    }
  }

  /// The condition is no longer true: cancels `for`.
  func release(_ one: RuleProgress) {
    if let timer = one.holdTimer { clock.cancel(timer) }
    (one.holdTimer, one.held, one.heldSince) = (nil, nil, nil)
  }

  /// `debounce`: every match restarts the quiet time; when it has elapsed, the newest event passes.
  private func settle(_ one: RuleProgress, _ folded: RuleProgress.Folded) {
    guard let quiet = one.rule.declaration.debounce else { return throttle(one, folded) }
    if one.bouncing == nil { one.bouncing = folded } else { one.bouncing?.fold(folded) }
    one.debounceEnd = clock.now + quiet
    // Reuse the running timer, which checks `debounceEnd` when it expires: a burst costs one timer, not one per event.
    if one.debounceTimer == nil { awaitQuiet(one) }
  }

  private func awaitQuiet(_ one: RuleProgress) {
    guard let end = one.debounceEnd else { return }
    one.debounceTimer = clock.schedule(at: end) { [weak self, weak one] in
      guard let self, let one else { return }
      one.debounceTimer = nil
      guard let end = one.debounceEnd, end <= clock.now else { return awaitQuiet(one) }
      one.debounceEnd = nil
      if let folded = one.bouncing {
        one.bouncing = nil
        throttle(one, folded)
      }
    }
  }

  /// `throttle`: the first event passes and opens a window. Events within the window are folded into one, which passes
  /// when the window ends.
  private func throttle(_ one: RuleProgress, _ folded: RuleProgress.Folded) {
    guard let window = one.rule.declaration.throttle else {
      attempt(one, folded)
      return
    }
    if one.throttleEnd != nil {
      if one.throttled == nil { one.throttled = folded } else { one.throttled?.fold(folded) }
      return
    }
    guard attempt(one, folded) else { return }
    let end = clock.now + window
    one.throttleEnd = end
    one.throttleTimer = clock.schedule(at: end) { [weak self, weak one] in
      guard let self, let one else { return }
      (one.throttleTimer, one.throttleEnd) = (nil, nil)
      if let folded = one.throttled {
        one.throttled = nil
        throttle(one, folded)
      }
    }
  }

  func cancelTimers(of one: RuleProgress) {
    for timer in one.takeTimers() { clock.cancel(timer) }
  }
}

/// The timers of `every` rules.
extension RuleEngine {
  func startTimer(of one: RuleProgress) {
    switch one.rule.declaration.trigger {
    case .events: break
    case .every(let period):
      one.due = clock.now + period
      awaitEvery(one, period)
    case .cron: plan(one)
    }
  }

  /// Restarts the period of an `every` rule from now.
  func restartBeat(of one: RuleProgress) {
    guard case .every = one.rule.declaration.trigger else { return }
    if let timer = one.timer { clock.cancel(timer) }
    startTimer(of: one)
  }

  private func awaitEvery(_ one: RuleProgress, _ period: Duration) {
    guard let due = one.due else { return }
    one.timer = clock.schedule(at: due) { [weak self, weak one] in
      guard let self, let one else { return }
      // Keep the phase even when the timer runs late, and skip missed periods.
      let missed = (clock.now - due).nanoseconds / max(period.nanoseconds, 1)
      one.due = due + .nanoseconds(period.nanoseconds * (missed + 1))
      awaitEvery(one, period)
      environment.timerDue(one.rule.id)
    }
  }
}
