import Model

/// What an emergency stop means for rules: what waited before it moves nothing after it.
extension RuleEngine {
  /// An emergency stop has begun: rules that command outputs, or wake agents that may, forget what they wait for. All
  /// others go on, so that an alarm is heard.
  public func stopBegan() {
    for one in progress where one.rule.mayMove { drop(one) }
  }

  /// The stop has been cleared: nobody acts on an event of before. Every rule forgets what it waits for, and `every` begins
  /// its beat anew. Where a rule moves nothing by itself, a `for` that waits counts from now on.
  public func stopCleared() {
    for one in progress {
      let held = one.rule.mayMove ? nil : one.held
      drop(one)
      if let held, let length = one.rule.declaration.hold {
        one.held = held
        awaitHold(one, length)
      }
      restartBeat(of: one)
    }
  }

  /// Forgets what waits for `for`, `debounce`, `throttle` and `mode: queued`. A `throttle` window stays as it is.
  private func drop(_ one: RuleProgress) {
    release(one)
    if let timer = one.debounceTimer { clock.cancel(timer) }
    (one.debounceTimer, one.debounceEnd, one.bouncing) = (nil, nil, nil)
    one.throttled = nil
    // The newest first, so that each gives back what was counted before it.
    for waiting in one.queue.reversed() { if let turn = waiting.turn { giveBack(turn, of: one) } }
    one.queue = []
  }
}

extension CompiledRule {
  /// Whether an output may move because of it: it commands one, or hands events to agents.
  var mayMove: Bool {
    (declaration.actions + declaration.otherwise).contains { action in
      switch action {
      case .actuate, .spawn, .wake: true
      case .kill, .emit: false
      }
    }
  }
}
