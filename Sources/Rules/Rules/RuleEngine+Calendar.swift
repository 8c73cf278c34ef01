import Model

/// The timers of `cron` rules: they follow the wall clock, which may be wrong at first, and be set at any time.
extension RuleEngine {
  /// Entries that come again because the clock was put back by no more than this are left out.
  private static let longestReturn: Int64 = 3 * 3600
  /// Only what was passed over in the last day is listed: before that the clock was wrong by far, or nobody was there.
  private static let longestList: Int64 = 86_400

  var wallSeconds: Int64 { Int64(clamping: clock.wallMilliseconds / 1000) }

  /// Whether any rule goes by the calendar.
  public var hasCalendar: Bool { progress.contains { $0.rule.cron != nil } }

  /// The wall clock was set, or has become one to be trusted: `cron` rules look at it anew. What was passed over is told
  /// to the environment; an entry of the minute that it is now is due.
  public func clockChanged() {
    let now = wallSeconds
    let reached = min(now, calendarTime)
    calendar = (environment.clockIsTrusted ? now : reached, clock.now, environment.clockIsTrusted)
    var missed: [MissedEntry] = []
    var due: [RuleProgress] = []
    for one in progress {
      guard let cron = one.rule.cron else { continue }
      if environment.clockIsTrusted {
        let first = one.dueWall ?? next(cron, after: reached)
        let minute = now - now % 60
        if let first, let due = first < now - Self.longestList ? next(cron, after: now - Self.longestList) : first,
          due < minute
        {
          missed.append(MissedEntry(rule: one.rule.id, due: due))
        }
        if let first, first <= minute, next(cron, after: minute - 60) == minute {
          one.lastEntry = minute
          due.append(one)
        }
      }
      plan(one)
    }
    if !missed.isEmpty { environment.entriesMissed(missed) }
    for one in due { environment.timerDue(one.rule.id) }
  }

  /// Local time is another: what is next is found anew.
  public func zoneChanged() {
    for one in progress where one.rule.cron != nil { plan(one) }
  }

  /// Where the calendar is, had the clock not been set: it stands still while the clock is not trusted.
  private var calendarTime: Int64 {
    guard let calendar else { return wallSeconds }
    return calendar.seconds + (calendar.isRunning ? (clock.now - calendar.at).components.seconds : 0)
  }

  /// Finds the next entry of a rule, and waits for it.
  func plan(_ one: RuleProgress) {
    if let timer = one.timer { clock.cancel(timer) }
    (one.timer, one.dueWall) = (nil, nil)
    guard environment.clockIsTrusted else { return }
    var start = wallSeconds
    if let last = one.lastEntry, last > start, last - start <= Self.longestReturn { start = last }
    guard let cron = one.rule.cron, let due = next(cron, after: start) else { return }
    one.dueWall = due
    let wait = Duration.milliseconds(max(0, due * 1000 - Int64(clock.wallMilliseconds)))
    one.timer = clock.schedule(after: wait) { [weak self, weak one] in
      guard let self, let one else { return }
      one.timer = nil
      entryIsDue(one, due)
    }
  }

  private func next(_ cron: CronSchedule, after seconds: Int64) -> Int64? {
    cron.next(after: seconds) { environment.utcOffset(at: $0) }
  }

  private func entryIsDue(_ one: RuleProgress, _ due: Int64) {
    let late = Int64(clock.wallMilliseconds) - due * 1000
    // The timer's clock is a little ahead of the wall's.
    guard late >= 0 else { return plan(one) }
    one.lastEntry = due
    plan(one)
    if late < 60_000 {
      environment.timerDue(one.rule.id)
    } else {
      environment.entriesMissed([MissedEntry(rule: one.rule.id, due: due)])
    }
  }
}
