import Model

/// The run-time state of a rule: timers, waiting events, running firings, counters.
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

  /// `for`: when the condition became true; nil while it is false.
  var heldSince: Instant?
  /// `for`: the events that wait for the timer; nil once it has expired.
  var held: Folded?
  var holdTimer: TimerID?

  /// `debounce`: the events that wait for the quiet time.
  var bouncing: Folded?
  var debounceTimer: TimerID?
  var debounceEnd: Instant?

  /// `throttle`: the end of the open window; nil when none is open.
  var throttleEnd: Instant?
  var throttled: Folded?
  var throttleTimer: TimerID?

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

  /// `every` and `cron`: the timer.
  var timer: TimerID?
  /// `every`: when the timer is due.
  var due: Instant?
  /// `cron`: when the timer is due, in seconds since 1970; nil while none is scheduled.
  var dueWall: Int64?
  /// `cron`: the last entry that was due, in seconds since 1970; nil before the first.
  var lastEntry: Int64?

  init(_ rule: CompiledRule) { self.rule = rule }

  /// Removes all timers and returns them, so that the caller can cancel them.
  func takeTimers() -> [TimerID] {
    defer { (holdTimer, debounceTimer, throttleTimer, timer) = (nil, nil, nil, nil) }
    return [holdTimer, debounceTimer, throttleTimer, timer].compactMap { $0 }
  }
}
