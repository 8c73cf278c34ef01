import Model

/// The run-time state of a rule: waiting events, running firings, counters.
final class RuleProgress {
  /// Several events folded into one: the newest of them and their number.
  struct Folded {
    var event: Event
    var count: Int
    /// When the limits accepted it, and what the lane's `lastAccepted` was before.
    var turn: Turn?

    mutating func fold(_ other: Folded) {
      event = other.event
      count += other.count
    }
  }

  /// A firing that the limits have accepted, so that it can be undone.
  struct Turn {
    let accepted: Instant
    let before: Instant?
    let lane: RuleLane
  }

  /// Replaced by an equal rule when the files are reloaded.
  var rule: CompiledRule
  /// Its place in the files.
  var rank: Int
  /// Whether a person has disabled it.
  var isDisabled = false

  var fired: UInt64 = 0
  var lastFired: Instant?
  var lastError: String?
  var failed: UInt64 = 0
  /// What its limits have counted, and what waits for them; nil until an event has matched. Most of many rules never
  /// need it.
  var account: RuleAccount?

  /// Running firings, oldest first.
  var atWork: [UInt64] = []

  /// The timer of `every`, `cron` and `at`; nil for other rules.
  let schedule: RuleSchedule?
  /// The state of a state rule; nil for others.
  var state: StateProgress?

  init(_ rule: CompiledRule, rank: Int) {
    self.rule = rule
    self.rank = rank
    let declaration = rule.declaration
    switch declaration.trigger {
    case .events, .state: schedule = nil
    case .every, .cron, .at: schedule = RuleSchedule()
    }
  }

  /// Whether it is triggered at times of the wall clock.
  var followsCalendar: Bool {
    switch rule.declaration.trigger {
    case .cron, .at: true
    case .events, .every, .state: false
    }
  }

  /// Removes all timers and returns them, so that the caller can cancel them.
  func takeTimers() -> [TimerID] {
    defer { schedule?.timer = nil }
    return allLanes.flatMap { $0.delays?.takeTimers() ?? [] } + [schedule?.timer].compactMap { $0 }
  }

  // MARK: Limits

  /// `account`, made if it is not there.
  var counted: RuleAccount {
    if let account { return account }
    let made = RuleAccount(rule)
    account = made
    return made
  }

  /// What it keeps for events that are about no device or agent in particular.
  var lane: RuleLane { counted.lane }

  /// All lanes, that of no subject first; empty while no event has matched.
  var allLanes: [RuleLane] {
    account.map { [$0.lane] + $0.lanes.values.sorted { $0.subject < $1.subject } } ?? []
  }

  /// The most subjects of a rule.
  static let mostLanes = 256

  /// The lane of a subject. Beyond `mostLanes` the one that was used least recently is given up.
  /// - Returns: with it, the lane that was given up.
  func lane(of subject: String, at now: Instant) -> (RuleLane, givenUp: RuleLane?) {
    if subject.isEmpty { return (lane, nil) }
    let account = counted
    if let known = account.lanes[subject] {
      known.lastUsed = now
      return (known, nil)
    }
    var givenUp: RuleLane?
    if account.lanes.count >= Self.mostLanes {
      givenUp = account.lanes.values.min { $0.lastUsed < $1.lastUsed }
      if let givenUp { account.lanes[givenUp.subject] = nil }
    }
    let made = RuleLane(subject, rule)
    made.lastUsed = now
    account.lanes[subject] = made
    return (made, givenUp)
  }
}

/// What the limits of a rule have counted, and what waits for them.
final class RuleAccount {
  /// The `turn` of the newest firing.
  var turn: RuleProgress.Turn?
  /// The newest firing that failed.
  var failedFiring: UInt64?
  /// The earliest time of the next firing after a failed one.
  var retryFrom: Instant?
  /// `max_per_hour`: the accepted firings of the last hour, oldest first; empty for rules without this limit.
  var lastHour: [Instant] = []
  /// `mode: queued`: the firings that wait for the running one.
  var queue: [RuleProgress.Folded] = []
  /// What the rule keeps for events that are about no device or agent in particular.
  let lane: RuleLane
  /// What the rule keeps for each device or agent, or each value of `per`; empty for rules without `for`, `debounce` and
  /// `cooldown`, and for those that are about one device only.
  var lanes: [String: RuleLane] = [:]

  init(_ rule: CompiledRule) { lane = RuleLane("", rule) }
}

/// What a rule keeps for one subject: `for`, `debounce` and `cooldown` count for each device or agent by itself.
final class RuleLane {
  /// The device or agent, or the value of `per`; empty for none.
  let subject: String
  /// The state of `for`, `debounce` and, for no subject, `throttle`; nil for a rule with none of them.
  let delays: RuleDelays?
  /// `cooldown`: when the last firing was accepted.
  var lastAccepted: Instant?
  /// `cooldown`: the end of a cooldown from before the last restart of the daemon.
  var restsUntil: Instant?
  var lastUsed = Instant(nanoseconds: 0)

  init(_ subject: String, _ rule: CompiledRule) {
    self.subject = subject
    delays = rule.hasDelays ? RuleDelays() : nil
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

  func takeTimers() -> [TimerID] {
    defer { (holdTimer, debounceTimer, throttleTimer) = (nil, nil, nil) }
    return [holdTimer, debounceTimer, throttleTimer].compactMap { $0 }
  }
}

/// The timer of an `every`, `cron` or `at` rule.
final class RuleSchedule {
  var timer: TimerID?
  /// `every`: when the timer is due.
  var due: Instant?
  /// `cron`: when the timer is due, in seconds since 1970; nil while none is scheduled.
  var dueWall: Int64?
  /// `cron`: the last entry that was due, in seconds since 1970; nil before the first.
  var lastEntry: Int64?
}
