/// A clock that is advanced by hand, for tests and for trials without a daemon.
package final class ManualClock: Timekeeper {
  package private(set) var now: Instant
  package private(set) var wallMilliseconds: UInt64
  /// Whether the wall clock claims to be synchronised.
  package var wallIsSynchronised = true
  /// Called when `jumpWall` has set the wall clock.
  package var onWallSet: () -> Void = {}
  private var timers = TimerQueue()

  /// A clock at `start`; wall time begins at 2026-01-01T00:00:00Z.
  package init(start: Instant = Instant(nanoseconds: 1_000_000_000)) {
    now = start
    wallMilliseconds = 1_767_225_600_000
  }

  /// Advances time and runs due timers in order, each at its own deadline.
  ///
  /// Time never goes back: neither for a negative duration, nor when a timer's action has advanced it further.
  package func advance(by duration: Duration) {
    let end = now + duration
    while let next = timers.nextDeadline(), next <= end {
      move(to: max(next, now))
      while let due = timers.popDue(at: now) { due.action() }
    }
    move(to: max(end, now))
  }

  /// Advances time as a suspend of the machine does: all timers that became due run at its end.
  package func sleep(for duration: Duration) {
    move(to: now + duration)
    while let due = timers.popDue(at: now) { due.action() }
  }

  /// Steps only the wall clock, as setting it by hand or NTP does.
  package func jumpWall(by duration: Duration) {
    wallMilliseconds = UInt64(clamping: Int64(wallMilliseconds) + duration.nanoseconds / 1_000_000)
    onWallSet()
  }

  /// The deadline of the first waiting timer; nil when none waits.
  package func nextDeadline() -> Instant? { timers.nextDeadline() }

  /// The number of waiting timers.
  package var waiting: Int { timers.count }

  @discardableResult
  package func schedule(at deadline: Instant, _ action: @escaping () -> Void) -> TimerID {
    timers.add(at: deadline, action)
  }

  package func cancel(_ timer: TimerID) { timers.cancel(timer) }

  private func move(to instant: Instant) {
    // Count the milliseconds that the monotonic clock passes, so that fractions do not get lost.
    wallMilliseconds += instant.nanoseconds / 1_000_000 - now.nanoseconds / 1_000_000
    now = instant
  }
}
