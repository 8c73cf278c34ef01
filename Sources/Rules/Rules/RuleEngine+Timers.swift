import CEL
import Model

/// The steps between a true condition and a firing: `for`, `debounce`, `throttle`.
extension RuleEngine {
  /// `for`: the first match starts the timer. When it expires, the newest event passes, and from then on every match
  /// passes, until the condition is false.
  func hold(_ one: RuleProgress, _ lane: RuleLane, _ folded: RuleProgress.Folded) {
    guard let delays = lane.delays else {
      attempt(one, lane, folded)
      return
    }
    guard let length = one.rule.declaration.hold else { return settle(one, lane, delays, folded) }
    guard delays.heldSince != nil else {
      delays.held = folded
      awaitHold(one, lane, length)
      return
    }
    if delays.held != nil { delays.held?.fold(folded) } else { settle(one, lane, delays, folded) }
  }

  /// Starts or restarts the `for` timer.
  func awaitHold(_ one: RuleProgress, _ lane: RuleLane, _ length: Duration) {
    guard let delays = lane.delays else { return }
    if let timer = delays.holdTimer { clock.cancel(timer) }
    delays.heldSince = clock.now
    delays.holdTimer = clock.schedule(after: length) { [weak self, weak one, weak lane] in
      guard let self, let one, let lane, let delays = lane.delays else { return }
      delays.holdTimer = nil
      if let held = delays.held {
        delays.held = nil
        settle(one, lane, delays, held)
      }
    }
  }

  /// The condition is no longer true for a subject: cancels `for`.
  func release(_ lane: RuleLane) {
    guard let delays = lane.delays else { return }
    if let timer = delays.holdTimer { clock.cancel(timer) }
    (delays.holdTimer, delays.held, delays.heldSince) = (nil, nil, nil)
  }

  /// `debounce`: every match restarts the quiet time; when it has elapsed, the newest event passes.
  private func settle(
    _ one: RuleProgress, _ lane: RuleLane, _ delays: RuleDelays, _ folded: RuleProgress.Folded
  ) {
    guard let quiet = one.rule.declaration.debounce else { return throttle(one, lane, folded) }
    if delays.bouncing == nil { delays.bouncing = folded } else { delays.bouncing?.fold(folded) }
    delays.debounceEnd = clock.now + quiet
    // Reuse the running timer, which checks `debounceEnd` when it expires: a burst costs one timer, not one per event.
    if delays.debounceTimer == nil { awaitQuiet(one, lane) }
  }

  private func awaitQuiet(_ one: RuleProgress, _ lane: RuleLane) {
    guard let delays = lane.delays, let end = delays.debounceEnd else { return }
    delays.debounceTimer = clock.schedule(at: end) { [weak self, weak one, weak lane] in
      guard let self, let one, let lane, let delays = lane.delays else { return }
      delays.debounceTimer = nil
      guard let end = delays.debounceEnd, end <= clock.now else { return awaitQuiet(one, lane) }
      delays.debounceEnd = nil
      if let folded = delays.bouncing {
        delays.bouncing = nil
        throttle(one, lane, folded)
      }
    }
  }

  /// `throttle`, of all subjects together: the first event passes and opens a window. Events within the window are folded
  /// into one, which passes when the window ends.
  private func throttle(_ one: RuleProgress, _ lane: RuleLane, _ folded: RuleProgress.Folded) {
    guard let window = one.rule.declaration.throttle, let delays = one.lane.delays else {
      attempt(one, lane, folded)
      return
    }
    if delays.throttleEnd != nil {
      if delays.throttled == nil { delays.throttled = folded } else { delays.throttled?.fold(folded) }
      return
    }
    guard attempt(one, lane, folded) else { return }
    let end = clock.now + window
    delays.throttleEnd = end
    delays.throttleTimer = clock.schedule(at: end) { [weak self, weak one] in
      guard let self, let one, let delays = one.lane.delays else { return }
      (delays.throttleTimer, delays.throttleEnd) = (nil, nil)
      if let folded = delays.throttled {
        delays.throttled = nil
        throttle(one, self.lane(of: one, folded.event), folded)
      }
    }
  }

  /// The lane of an event: its device or agent, or the value of `per`.
  func lane(of one: RuleProgress, _ event: Event) -> RuleLane {
    guard one.rule.hasLanes else { return one.lane }
    let (lane, givenUp) = one.lane(of: subject(of: event, one.rule), at: clock.now)
    for timer in givenUp?.delays?.takeTimers() ?? [] { clock.cancel(timer) }
    return lane
  }

  private func subject(of event: Event, _ rule: CompiledRule) -> String {
    if let per = rule.per {
      scope.event = event
      do throws(CELError) {
        if case .string(let text) = try per.evaluate(scope) { return String(text.prefix(128)) }
        return String(try per.evaluate(scope).description.prefix(128))
      } catch { return "" }
    }
    if let subject = event.payload["device"]?.string ?? event.payload["agent"]?.string { return subject }
    // `sensor:<id>` and `input:<id>` come from the device.
    return EventPattern.builtInDomain(of: event.type) != nil ? event.source : ""
  }

  func cancelTimers(of one: RuleProgress) {
    for timer in one.takeTimers() { clock.cancel(timer) }
    if let state = one.state { cancelTimers(of: state) }
  }
}

/// The timers of `every` rules.
extension RuleEngine {
  func startTimer(of one: RuleProgress) {
    guard let schedule = one.schedule else { return }
    switch one.rule.declaration.trigger {
    case .events, .state: break
    case .every(let period):
      schedule.due = clock.now + period
      awaitEvery(one, schedule, period)
    case .cron, .at: plan(one)
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
      if !one.isDisabled { environment.timerDue(one.rule.id) }
    }
  }
}
