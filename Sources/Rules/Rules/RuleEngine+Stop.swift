import Model

/// Emergency stops: an event from before a stop must not move an output after it.
extension RuleEngine {
  /// An emergency stop has begun. Rules that command outputs, directly or through agents, drop their waiting events.
  /// All other rules continue, such as those that raise an alarm.
  package func stopBegan() {
    for one in progress where one.rule.mayMove { drop(one) }
  }

  /// The stop has been cleared. Every rule drops its waiting events, and `every` timers restart. A running `for` is
  /// kept and counts from now, unless its rule can move an output.
  package func stopCleared() {
    for one in progress {
      let held = one.rule.mayMove ? nil : one.delays?.held
      drop(one)
      if let held, let delays = one.delays, let length = one.rule.declaration.hold {
        delays.held = held
        awaitHold(one, delays, length)
      }
      restartBeat(of: one)
    }
  }

  /// Drops the events that wait for `for`, `debounce`, `throttle` and `mode: queued`. An open `throttle` window stays
  /// open.
  private func drop(_ one: RuleProgress) {
    release(one)
    if let delays = one.delays {
      if let timer = delays.debounceTimer { clock.cancel(timer) }
      (delays.debounceTimer, delays.debounceEnd, delays.bouncing) = (nil, nil, nil)
      delays.throttled = nil
    }
    // Newest first: each one restores the limits to the state before it.
    for waiting in one.queue.reversed() { if let turn = waiting.turn { giveBack(turn, of: one) } }
    one.queue = []
  }
}

extension CompiledRule {
  /// Whether the rule may move an output.
  var mayMove: Bool { (declaration.actions + declaration.otherwise).contains(where: \.mayMove) }
}
