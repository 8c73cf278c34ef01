import Model

/// The run-time state of a rule: waiting events, running firings, counters.
final class RuleProgress {
  /// Several events folded into one: the newest of them and their number.
  struct Folded {
    var event: Event
    var count: Int
    /// When the limits accepted it, and the previous value of `lastAccepted`.
    var turn: (accepted: Instant, before: Instant?)?

    mutating func fold(_ other: Folded) {
      event = other.event
      count += other.count
    }
  }

  /// Replaced by an equal rule when the files are reloaded.
  var rule: CompiledRule

  var fired: UInt64 = 0
  var lastFired: Instant?
  var lastError: String?
  var failed: UInt64 = 0
  /// The earliest time of the next firing after a failed one.
  var retryFrom: Instant?
  /// The `turn` of the newest firing.
  var turn: (accepted: Instant, before: Instant?)?
  /// The newest firing that failed.
  var failedFiring: UInt64?

  /// `cooldown`: when the last firing was accepted.
  var lastAccepted: Instant?
  /// `cooldown`: the end of a cooldown from before the last restart of the daemon.
  var restsUntil: Instant?
  /// `max_per_hour`: the accepted firings of the last hour, oldest first; empty for rules without this limit.
  var lastHour: [Instant] = []

  /// Running firings, oldest first.
  var atWork: [UInt64] = []
  /// `mode: queued`: the firings that wait for the running one.
  var queue: [Folded] = []

  /// The state of `for`, `debounce` and `throttle`; nil for a rule with none of them.
  let delays: RuleDelays?
  /// The timer of `every` and `cron`; nil for a rule that waits for events.
  let schedule: RuleSchedule?

  init(_ rule: CompiledRule) {
    self.rule = rule
    let declaration = rule.declaration
    let isDelayed = declaration.hold != nil || declaration.debounce != nil || declaration.throttle != nil
    delays = isDelayed ? RuleDelays() : nil
    if case .events = declaration.trigger { schedule = nil } else { schedule = RuleSchedule() }
  }

  /// Removes all timers and returns them, so that the caller can cancel them.
  func takeTimers() -> [TimerID] {
    defer { schedule?.timer = nil }
    return (delays?.takeTimers() ?? []) + [schedule?.timer].compactMap { $0 }
  }
}

/// Events that wait between a rule's condition and its firing.
final class RuleDelays {
  /// `for`: when the condition became true; nil while it is false.
  var heldSince: Instant?
  /// `for`: the events that wait for the timer; nil once it has expired.
  var held: RuleProgress.Folded?
  var holdTimer: TimerID?

  /// `debounce`: the events that wait for the quiet time.
  var bouncing: RuleProgress.Folded?
  var debounceTimer: TimerID?
  var debounceEnd: Instant?

  /// `throttle`: the end of the open window; nil when none is open.
  var throttleEnd: Instant?
  var throttled: RuleProgress.Folded?
  var throttleTimer: TimerID?

  fileprivate func takeTimers() -> [TimerID] {
    defer { (holdTimer, debounceTimer, throttleTimer) = (nil, nil, nil) }
    return [holdTimer, debounceTimer, throttleTimer].compactMap { $0 }
  }
}

/// The timer of an `every` or `cron` rule.
final class RuleSchedule {
  var timer: TimerID?
  /// `every`: when the timer is due.
  var due: Instant?
  /// `cron`: when the timer is due, in seconds since 1970; nil while none is scheduled.
  var dueWall: Int64?
  /// `cron`: the last entry that was due, in seconds since 1970; nil before the first.
  var lastEntry: Int64?
}
