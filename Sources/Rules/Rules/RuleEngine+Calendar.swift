import Model

/// The timers of `cron` rules. They follow the wall clock, which may be wrong after boot and may be set at any time.
extension RuleEngine {
  /// Seconds. When the clock is set back by no more than this, entries that were already due are not due again.
  private static let longestReturn: Int64 = 3 * 3600
  /// Seconds. Older missed entries are not reported: the clock was far off, or the daemon was not running.
  private static let longestList: Int64 = 86_400

  var wallSeconds: Int64 { Int64(clamping: clock.wallMilliseconds / 1000) }

  /// Whether a rule waits for times of the wall clock.
  package var hasCalendar: Bool { progress.contains(where: \.followsCalendar) || !watches[.clock].isEmpty }

  /// The wall clock was set, or its trust has changed: reschedules `cron` rules. Missed entries are reported to the
  /// environment; an entry of the current minute is due.
  package func clockChanged() {
    let now = wallSeconds
    let reached = min(now, calendarTime)
    calendar = (environment.clockIsTrusted ? now : reached, clock.now, environment.clockIsTrusted)
    var missed: [MissedEntry] = []
    var due: [RuleProgress] = []
    for one in progress {
      guard one.followsCalendar, let schedule = one.schedule else { continue }
      if environment.clockIsTrusted {
        let first = schedule.dueWall ?? nextEntry(of: one, after: reached)
        let minute = now - now % 60
        if let first,
          let due = first < now - Self.longestList ? nextEntry(of: one, after: now - Self.longestList) : first,
          due < minute
        {
          missed.append(MissedEntry(rule: one.rule.id, due: due))
        }
        // A clock that was set far back and forth again makes nothing due twice.
        if let first, first <= now, let entry = nextEntry(of: one, after: minute - 1), entry <= now,
          schedule.lastEntry != entry
        {
          schedule.lastEntry = entry
          due.append(one)
        }
      }
      plan(one)
    }
    if !missed.isEmpty { environment.entriesMissed(missed) }
    for one in due where !one.isDisabled { environment.timerDue(one.rule.id) }
    changed(.clock)
  }

  /// The time zone has changed: reschedules `cron` rules.
  package func zoneChanged() {
    for one in progress where one.followsCalendar { plan(one) }
    changed(.clock)
  }

  /// The wall time that `cron` rules have been processed up to, in seconds since 1970, as if the clock had not been
  /// set. It stands still while the clock is not trusted.
  private var calendarTime: Int64 {
    guard let calendar else { return wallSeconds }
    return calendar.seconds + (calendar.isRunning ? (clock.now - calendar.at).components.seconds : 0)
  }

  /// Schedules the timer for a rule's next entry.
  func plan(_ one: RuleProgress) {
    guard let schedule = one.schedule else { return }
    if let timer = schedule.timer { clock.cancel(timer) }
    (schedule.timer, schedule.dueWall) = (nil, nil)
    guard environment.clockIsTrusted else { return }
    var start = wallSeconds
    if let last = schedule.lastEntry, last > start, last - start <= Self.longestReturn { start = last }
    guard let due = nextEntry(of: one, after: start) else { return }
    schedule.dueWall = due
    let wait = Duration.milliseconds(max(0, due * 1000 - Int64(clock.wallMilliseconds)))
    schedule.timer = clock.schedule(after: wait) { [weak self, weak one] in
      guard let self, let one else { return }
      one.schedule?.timer = nil
      entryIsDue(one, due)
    }
  }

  /// - Parameter seconds: since 1970.
  private func nextEntry(of one: RuleProgress, after seconds: Int64) -> Int64? {
    if let cron = one.rule.cron { return cron.next(after: seconds) { environment.utcOffset(at: $0) } }
    guard case .at(let time) = one.rule.declaration.trigger else { return nil }
    return environment.calendar.next(time, after: seconds)
  }

  /// When an `every`, `cron` or `at` rule is due next, in milliseconds since 1970; nil for others, and while the clock
  /// is not trusted.
  func nextTime(of one: RuleProgress) -> UInt64? {
    guard let schedule = one.schedule else { return nil }
    if let wall = schedule.dueWall { return UInt64(clamping: wall) * 1000 }
    return schedule.due.map { clock.wallMilliseconds &+ UInt64(clamping: ($0 - clock.now).nanoseconds / 1_000_000) }
  }

  private func entryIsDue(_ one: RuleProgress, _ due: Int64) {
    let late = Int64(clock.wallMilliseconds) - due * 1000
    // The monotonic timer may fire slightly before the wall clock reaches the entry.
    guard late >= 0 else { return plan(one) }
    one.schedule?.lastEntry = due
    plan(one)
    if one.isDisabled { return }
    if late < 60_000 {
      environment.timerDue(one.rule.id)
    } else {
      environment.entriesMissed([MissedEntry(rule: one.rule.id, due: due)])
    }
  }
}
