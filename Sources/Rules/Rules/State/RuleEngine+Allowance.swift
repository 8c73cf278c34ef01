import Model

/// `at_most`: how long outputs were kept, by the hardware's word.
extension RuleEngine {
  /// How often the time that a rule has used is stored while its outputs are kept: what a power failure costs at most. A
  /// tenth of a short allowance, so that a dose is not given twice.
  private static func countPeriod(_ allowance: StateRule.Allowance) -> Duration {
    min(.seconds(60), max(.seconds(1), allowance.time / 10))
  }

  /// The outputs of a rule are kept from now on, or not any more.
  /// - Parameter isHeld: whether all are at their levels, confirmed by the hardware.
  package func claimChanged(of rule: RuleID, isHeld: Bool) {
    guard let one = progress.first(where: { $0.rule.id == rule }), let state = one.state,
      isHeld != (state.run?.heldSince != nil)
    else { return }
    if isHeld {
      state.begun.heldSince = clock.now
      countLater(one, state)
    } else {
      defer { state.run?.heldSince = nil }
      guard one.rule.declaration.state?.atMost != nil else { return }
      count(state)
      if let timer = state.run?.countTimer { clock.cancel(timer) }
      state.run?.countTimer = nil
      remember(one, state)
    }
    if one.rule.declaration.state?.atMost != nil { mark(state.watch, nil) }
  }

  /// Goes on counting for a rule whose text has changed while its outputs are kept.
  func takeOverCount(_ one: RuleProgress, _ state: StateProgress, from old: RuleProgress) {
    let (before, now) = (old.rule.declaration.state?.atMost, one.rule.declaration.state?.atMost)
    if let since = old.state?.run?.heldSince { state.begun.heldSince = before == nil ? clock.now : since }
    if let before, let now, before.period != now.period {
      count(state)
      (state.memory.period, state.memory.spent) = (0, 0)
    }
    if state.run?.heldSince != nil { countLater(one, state) }
  }

  /// What is left of `at_most` now; nil without one. Notes when it ends, and when a new period begins.
  func rest(of one: RuleProgress, _ state: StateProgress) -> Duration? {
    guard let allowance = one.rule.declaration.state?.atMost else { return nil }
    count(state)
    if allowance.period != .run, environment.clockIsTrusted {
      let length: Int64 = allowance.period == .hour ? 3600 : 86_400
      let now = wallSeconds
      let local = now + Int64(environment.utcOffset(at: now))
      let period = local.dividedDown(by: length)
      if period != state.memory.period { (state.memory.period, state.memory.spent) = (period, 0) }
      // At the end of the hour at the latest: summer time may begin or end there.
      let rest = 3600 - local.remainderDown(by: 3600)
      scope.resultChanges(after: .seconds(rest))
    }
    let rest = allowance.time - .milliseconds(state.memory.spent)
    if state.run?.heldSince != nil, rest > .zero { scope.resultChanges(after: rest) }
    return rest
  }

  /// Adds the time since the last count.
  private func count(_ state: StateProgress) {
    guard let since = state.run?.heldSince else { return }
    let passed = (clock.now - since).nanoseconds / 1_000_000
    state.memory.spent += passed
    state.begun.heldSince = since + .milliseconds(passed)
  }

  private func countLater(_ one: RuleProgress, _ state: StateProgress) {
    guard let allowance = one.rule.declaration.state?.atMost else { return }
    state.begun.countTimer = clock.schedule(after: Self.countPeriod(allowance)) { [weak self, weak one] in
      guard let self, let one, let state = one.state else { return }
      count(state)
      remember(one, state)
      countLater(one, state)
    }
  }
}
