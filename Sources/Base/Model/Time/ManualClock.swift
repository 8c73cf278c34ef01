/// A clock that stands still until it is moved: time in tests and in simulations without a daemon.
public final class ManualClock: Timekeeper {
  public private(set) var now: Instant
  public private(set) var wallMilliseconds: UInt64
  /// Whether the wall clock claims to be synchronised.
  public var wallIsSynchronised = true
  /// Called when the wall clock was moved alone.
  public var onWallSet: () -> Void = {}
  private var timers = TimerQueue()

  /// A clock at `start`; wall time begins at 2026-01-01T00:00:00Z.
  public init(start: Instant = Instant(nanoseconds: 1_000_000_000)) {
    now = start
    wallMilliseconds = 1_767_225_600_000
  }

  /// Moves time on, running what falls due on the way, each at its own deadline and in order.
  ///
  /// Time never goes back: not for a negative duration, nor when what runs on the way has moved it further itself.
  public func advance(by duration: Duration) {
    let end = now + duration
    while let next = timers.nextDeadline(), next <= end {
      move(to: max(next, now))
      while let due = timers.popDue(at: now) { due.action() }
    }
    move(to: max(end, now))
  }

  /// Moves time on as a suspend of the machine does: nothing runs on the way, and everything that fell due runs at the end.
  public func sleep(for duration: Duration) {
    move(to: now + duration)
    while let due = timers.popDue(at: now) { due.action() }
  }

  /// Moves the wall clock alone, as a clock that is set by hand or by NTP does.
  public func jumpWall(by duration: Duration) {
    wallMilliseconds = UInt64(clamping: Int64(wallMilliseconds) + duration.nanoseconds / 1_000_000)
    onWallSet()
  }

  /// When the first timer is due; nil when none is waiting.
  public func nextDeadline() -> Instant? { timers.nextDeadline() }

  /// How many timers are waiting.
  public var waiting: Int { timers.count }

  @discardableResult
  public func schedule(at deadline: Instant, _ action: @escaping () -> Void) -> TimerID {
    timers.add(at: deadline, action)
  }

  public func cancel(_ timer: TimerID) { timers.cancel(timer) }

  private func move(to instant: Instant) {
    // Whole milliseconds of the monotonic clock that pass are what the wall clock gains.
    wallMilliseconds += instant.nanoseconds / 1_000_000 - now.nanoseconds / 1_000_000
    now = instant
  }
}
