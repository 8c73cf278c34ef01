import Model

/// What a rule is in the middle of: timers that run, events that wait, firings that are at work.
final class RuleProgress {
  /// The newest event of several, and how many they are.
  struct Folded {
    var event: Event
    var count: Int

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
  /// `max_per_hour`: the firings of the last hour, oldest first; kept only for rules that have a limit.
  var lastHour: [Instant] = []

  /// Firings not yet finished, oldest first.
  var atWork: [UInt64] = []
  /// `mode: queued`: what waits for its turn.
  var queue: [Folded] = []

  /// `every` and `cron`: the timer, and when it is due.
  var timer: TimerID?
  var due: Instant?
  /// `cron`: the wall time it is due at, in seconds since 1970.
  var dueWall: Int64?

  init(_ rule: CompiledRule) { self.rule = rule }

  /// Every timer that runs, forgotten.
  func takeTimers() -> [TimerID] {
    defer { (holdTimer, debounceTimer, throttleTimer, timer) = (nil, nil, nil, nil) }
    return [holdTimer, debounceTimer, throttleTimer, timer].compactMap { $0 }
  }
}
