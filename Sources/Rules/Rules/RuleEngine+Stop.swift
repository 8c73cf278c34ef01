import Model

/// Emergency stops: an event from before a stop must not move an output after it.
extension RuleEngine {
  /// An emergency stop has begun. Rules that command outputs, directly or through agents, drop their waiting events.
  /// All other rules continue, such as those that raise an alarm.
  package func stopBegan() {
    for one in progress where one.rule.mayMove { drop(one) }
    stopStates()
  }

  /// The stop has been cleared. Every rule drops its waiting events, and `every` timers restart. A running `for` is
  /// kept and counts from now, unless its rule can move an output.
  package func stopCleared() {
    for one in progress {
      let held = one.rule.mayMove ? [] : one.allLanes.compactMap { lane in lane.delays?.held.map { (lane, $0) } }
      drop(one)
      for (lane, folded) in held {
        guard let length = one.rule.declaration.hold else { continue }
        lane.delays?.held = folded
        awaitHold(one, lane, length)
      }
      restartBeat(of: one)
    }
    resumeStates()
  }

  /// Drops the events that wait for `for`, `debounce`, `throttle` and `mode: queued`. An open `throttle` window stays
  /// open.
  func drop(_ one: RuleProgress) {
    for lane in one.allLanes {
      release(lane)
      guard let delays = lane.delays else { continue }
      if let timer = delays.debounceTimer { clock.cancel(timer) }
      (delays.debounceTimer, delays.debounceEnd, delays.bouncing) = (nil, nil, nil)
      delays.throttled = nil
    }
    // Newest first: each one restores the limits to the state before it.
    for waiting in one.account?.queue.reversed() ?? [] { if let turn = waiting.turn { giveBack(turn, of: one) } }
    one.account?.queue = []
    for firing in one.atWork where atWork[firing]?.isAtWait ?? false || one.rule.declaration.retry != nil {
      cut(firing)
    }
  }

  /// Ends a firing that waits; the rest of its list is not carried out.
  func cut(_ firing: UInt64) {
    guard let running = atWork[firing] else { return }
    stopWaiting(running)
    running.next = running.list.actions.count
    environment.cut(firing)
  }
}

extension CompiledRule {
  /// Whether the rule may move an output.
  var mayMove: Bool {
    (declaration.actions + declaration.otherwise + (declaration.state?.endActions ?? [])).contains(where: \.mayMove)
  }
}
