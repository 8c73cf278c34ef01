import Model

/// The steps between a true condition and a firing: `for`, `debounce`, `throttle`.
extension RuleEngine {
  /// `for`: the first match starts the timer. When it expires, the newest event passes, and from then on every match
  /// passes, until the condition is false.
  func hold(_ one: RuleProgress, _ folded: RuleProgress.Folded) {
    guard let delays = one.delays else {
      attempt(one, folded)
      return
    }
    guard let length = one.rule.declaration.hold else { return settle(one, delays, folded) }
    guard delays.heldSince != nil else {
      delays.held = folded
      awaitHold(one, delays, length)
      return
    }
    if delays.held != nil { delays.held?.fold(folded) } else { settle(one, delays, folded) }
  }

  /// Starts or restarts the `for` timer.
  func awaitHold(_ one: RuleProgress, _ delays: RuleDelays, _ length: Duration) {
    if let timer = delays.holdTimer { clock.cancel(timer) }
    delays.heldSince = clock.now
    delays.holdTimer = clock.schedule(after: length) { [weak self, weak one] in
      guard let self, let one, let delays = one.delays else { return }
      delays.holdTimer = nil
      if let held = delays.held {
        delays.held = nil
        settle(one, delays, held)
      }
    }
  }

  /// The condition is no longer true: cancels `for`.
  func release(_ one: RuleProgress) {
    guard let delays = one.delays else { return }
    if let timer = delays.holdTimer { clock.cancel(timer) }
    (delays.holdTimer, delays.held, delays.heldSince) = (nil, nil, nil)
  }

  /// `debounce`: every match restarts the quiet time; when it has elapsed, the newest event passes.
  private func settle(_ one: RuleProgress, _ delays: RuleDelays, _ folded: RuleProgress.Folded) {
    guard let quiet = one.rule.declaration.debounce else { return throttle(one, delays, folded) }
    if delays.bouncing == nil { delays.bouncing = folded } else { delays.bouncing?.fold(folded) }
    delays.debounceEnd = clock.now + quiet
    // Reuse the running timer, which checks `debounceEnd` when it expires: a burst costs one timer, not one per event.
    if delays.debounceTimer == nil { awaitQuiet(one, delays) }
  }

  private func awaitQuiet(_ one: RuleProgress, _ delays: RuleDelays) {
    guard let end = delays.debounceEnd else { return }
    delays.debounceTimer = clock.schedule(at: end) { [weak self, weak one] in
      guard let self, let one, let delays = one.delays else { return }
      delays.debounceTimer = nil
      guard let end = delays.debounceEnd, end <= clock.now else { return awaitQuiet(one, delays) }
      delays.debounceEnd = nil
      if let folded = delays.bouncing {
        delays.bouncing = nil
        throttle(one, delays, folded)
      }
    }
  }

  /// `throttle`: the first event passes and opens a window. Events within the window are folded into one, which passes
  /// when the window ends.
  private func throttle(_ one: RuleProgress, _ delays: RuleDelays, _ folded: RuleProgress.Folded) {
    guard let window = one.rule.declaration.throttle else {
      attempt(one, folded)
      return
    }
    if delays.throttleEnd != nil {
      if delays.throttled == nil { delays.throttled = folded } else { delays.throttled?.fold(folded) }
      return
    }
    guard attempt(one, folded) else { return }
    let end = clock.now + window
    delays.throttleEnd = end
    delays.throttleTimer = clock.schedule(at: end) { [weak self, weak one] in
      guard let self, let one, let delays = one.delays else { return }
      (delays.throttleTimer, delays.throttleEnd) = (nil, nil)
      if let folded = delays.throttled {
        delays.throttled = nil
        throttle(one, delays, folded)
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
    guard let schedule = one.schedule else { return }
    switch one.rule.declaration.trigger {
    case .events: break
    case .every(let period):
      schedule.due = clock.now + period
      awaitEvery(one, schedule, period)
    case .cron: plan(one)
    }
  }

  /// Restarts the period of an `every` rule from now.
  func restartBeat(of one: RuleProgress) {
    guard case .every = one.rule.declaration.trigger else { return }
    if let timer = one.schedule?.timer { clock.cancel(timer) }
    startTimer(of: one)
  }

  private func awaitEvery(_ one: RuleProgress, _ schedule: RuleSchedule, _ period: Duration) {
    guard let due = schedule.due else { return }
    schedule.timer = clock.schedule(at: due) { [weak self, weak one] in
      guard let self, let one, let schedule = one.schedule else { return }
      // Keep the phase even when the timer runs late, and skip missed periods.
      let missed = (clock.now - due).nanoseconds / max(period.nanoseconds, 1)
      schedule.due = due + .nanoseconds(period.nanoseconds * (missed + 1))
      awaitEvery(one, schedule, period)
      environment.timerDue(one.rule.id)
    }
  }
}
