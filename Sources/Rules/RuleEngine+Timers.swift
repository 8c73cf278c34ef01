import Model

/// The steps between a condition that is true and a firing: `for`, `debounce`, `throttle`.
extension RuleEngine {
  /// `for`: the first match starts the time, a deadline that passes lets the newest event through; from then on
  /// every match goes through, until one does not match.
  func hold(_ one: RuleProgress, _ folded: RuleProgress.Folded) {
    guard let length = one.rule.declaration.hold else { return settle(one, folded) }
    guard one.heldSince != nil else {
      one.heldSince = clock.now
      one.held = folded
      one.holdTimer = clock.schedule(after: length) { [weak self, weak one] in
        guard let self, let one else { return }
        one.holdTimer = nil
        if let held = one.held {
          one.held = nil
          settle(one, held)
        }
      }
      return
    }
    if one.held != nil { one.held?.fold(folded) } else { settle(one, folded) }
  }

  /// The condition does not hold any more.
  func release(_ one: RuleProgress) {
    if let timer = one.holdTimer { clock.cancel(timer) }
    (one.holdTimer, one.held, one.heldSince) = (nil, nil, nil)
  }

  /// `debounce`: every match starts the quiet time again; the newest event goes through when it has passed.
  private func settle(_ one: RuleProgress, _ folded: RuleProgress.Folded) {
    guard let quiet = one.rule.declaration.debounce else { return throttle(one, folded) }
    if one.bouncing == nil { one.bouncing = folded } else { one.bouncing?.fold(folded) }
    one.debounceEnd = clock.now + quiet
    // The running timer looks again when it ends: a storm costs one timer, not one an event.
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

  /// `throttle`: the first goes through and opens a window; what comes within it goes through as one at its end.
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

/// The timers of `every` and `cron` rules.
extension RuleEngine {
  /// The longest a `cron` rule waits before it looks at the wall clock again, which may be set at any time.
  private static let longestWait = Duration.seconds(3600)

  /// The wall clock was set: `cron` rules look at it anew. Without this call they notice within an hour.
  public func clockWasSet() {
    for one in progress where one.rule.cron != nil {
      cancelTimers(of: one)
      startTimer(of: one)
    }
  }

  func startTimer(of one: RuleProgress) {
    switch one.rule.declaration.trigger {
    case .events: break
    case .every(let period):
      one.due = clock.now + period
      awaitEvery(one, period)
    case .cron:
      planCron(one)
    }
  }

  private func awaitEvery(_ one: RuleProgress, _ period: Duration) {
    guard let due = one.due else { return }
    one.timer = clock.schedule(at: due) { [weak self, weak one] in
      guard let self, let one else { return }
      // The beat is kept however late a timer runs; beats that were missed are left out.
      let missed = (clock.now - due).nanoseconds / max(period.nanoseconds, 1)
      one.due = due + .nanoseconds(period.nanoseconds * (missed + 1))
      awaitEvery(one, period)
      environment.timerDue(one.rule.id)
    }
  }

  private func planCron(_ one: RuleProgress) {
    let now = Int64(clock.wallMilliseconds / 1000)
    one.dueWall = one.rule.cron?.next(after: now) { environment.utcOffset(at: $0) }
    awaitCron(one)
  }

  private func awaitCron(_ one: RuleProgress) {
    guard let dueWall = one.dueWall else { return }
    let wait = Duration.milliseconds(max(0, dueWall * 1000 - Int64(clock.wallMilliseconds)))
    one.timer = clock.schedule(after: min(wait, Self.longestWait)) { [weak self, weak one] in
      guard let self, let one else { return }
      let late = Int64(clock.wallMilliseconds) - dueWall * 1000
      guard late >= 0 else {
        // Either a part of a long wait, or the clock was put back: what is next is found anew.
        return planCron(one)
      }
      planCron(one)
      // A clock that jumped over the minute does not make up for it.
      if late < 60_000 { environment.timerDue(one.rule.id) }
    }
  }
}
