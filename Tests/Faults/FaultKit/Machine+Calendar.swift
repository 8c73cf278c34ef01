import Model
import Orchestrator

// The wall clock, and the rule with an entry every minute.
extension Machine {
  /// Whether `cron` rules follow the clock.
  var clockIsTrusted: Bool { board.clock == .any || line.wallIsSynchronised }

  /// The wall clock is set; the monotonic clock is not affected.
  func setClock(by step: Duration) {
    line.jumpWall(by: step)
    awaitMinute()
  }

  /// A board without a clock battery boots with an earlier time, until the clock is synchronised.
  func loseClock() {
    let lost = Duration.seconds(chance.within(0...100_000))
    line.wallIsSynchronised = false
    setClock(by: .zero - lost)
    line.schedule(after: Bound.boot + chance.milliseconds(0...30_000)) { [unowned self] in
      note("the clock is synchronised")
      line.wallIsSynchronised = true
      setClock(by: lost)
    }
  }

  /// Schedules the check of the next minute's entry.
  func awaitMinute() {
    if let minuteTimer { line.cancel(minuteTimer) }
    let begin = (line.wallMilliseconds / 60_000 + 1) * 60_000
    let wait = Duration.milliseconds(Int64(begin - line.wallMilliseconds))
    minuteTimer = line.schedule(after: wait) { [unowned self] in minuteBegins(begin) }
  }

  private func minuteBegins(_ begin: UInt64) {
    let hangs = life?.hangs
    guard let life, let hangs, line.wallMilliseconds == begin, keepsCalendar(life, hangs) else { return awaitMinute() }
    // A set clock or a sleep in between invalidates the check; both schedule another one.
    minuteTimer = line.schedule(after: CalendarRules.patience) { [unowned self, weak life] in
      let isInTime = line.wallMilliseconds == begin + UInt64(CalendarRules.patience.milliseconds)
      if let life, isInTime, keepsCalendar(life, hangs) { calendar.hasBegun(begin, invariants, at: line.now) }
      awaitMinute()
    }
  }

  /// Whether the daemon is ready, and has not hung since.
  private func keepsCalendar(_ life: DaemonLife, _ hangs: Int) -> Bool {
    self.life === life && life.isReady && !life.isEnding && life.safeMode == nil && life.hangs == hangs
      && life.loop.isActive && !life.loop.isBehind && clockIsTrusted
  }
}

extension Duration {
  fileprivate var milliseconds: Int64 { nanoseconds / 1_000_000 }
}
