import Model

/// What a rule is in the middle of: timers that run, events that wait, firings that are at work.
final class RuleProgress {
  /// The newest event of several, and how many they are.
  struct Folded {
    var event: Event
    var count: Int
    /// When limits let it through, and what `cooldown` counted from before.
    var turn: (accepted: Instant, before: Instant?)?

    mutating func fold(_ other: Folded) {
      event = other.event
      count += other.count
    }
  }

  /// Replaced by an equal rule when files are read again.
  var rule: CompiledRule

  var fired: UInt64 = 0
  var lastFired: Instant?
  var lastError: String?
  var failed: UInt64 = 0
  /// After a failure it is not tried before.
  var retryFrom: Instant?
  /// Of the firing that is being carried out: when it was let through and what `cooldown` counted from before.
  var turn: (accepted: Instant, before: Instant?)?
  /// The newest firing that failed.
  var failedFiring: UInt64?

  /// `for`: since when the condition has held; nil while it does not.
  var heldSince: Instant?
  /// `for`: what waits for the deadline; nil once that has passed.
  var held: Folded?
  var holdTimer: TimerID?

  /// `debounce`: what waits for quiet.
  var bouncing: Folded?
  var debounceTimer: TimerID?
  var debounceEnd: Instant?

  /// `throttle`: when the window that is open ends; nil when none is.
  var throttleEnd: Instant?
  var throttled: Folded?
  var throttleTimer: TimerID?

  /// `cooldown` counts from here.
  var lastAccepted: Instant?
  /// Until then it rests for a firing of before the last restart.
  var restsUntil: Instant?
  /// `max_per_hour`: the firings of the last hour, oldest first; kept only for rules that have a limit.
  var lastHour: [Instant] = []

  /// Firings not yet finished, oldest first.
  var atWork: [UInt64] = []
  /// `mode: queued`: what waits for its turn.
  var queue: [Folded] = []

  /// `every` and `cron`: the timer, and when it is due.
  var timer: TimerID?
  var due: Instant?
  /// `cron`: the wall time it is due at, in seconds since 1970; nil while nothing is planned.
  var dueWall: Int64?
  /// `cron`: the newest entry that was due, in seconds since 1970; nil before the first.
  var lastEntry: Int64?

  init(_ rule: CompiledRule) { self.rule = rule }

  /// Every timer that runs, forgotten.
  func takeTimers() -> [TimerID] {
    defer { (holdTimer, debounceTimer, throttleTimer, timer) = (nil, nil, nil, nil) }
    return [holdTimer, debounceTimer, throttleTimer, timer].compactMap { $0 }
  }
}
