/// A clock with timers: the event loop in the daemon, a manual clock in tests and trials.
///
/// Everything that waits or measures time uses a timekeeper, so that no test needs to sleep.
package protocol Timekeeper: AnyObject {
  /// The present time of the monotonic clock.
  var now: Instant { get }

  /// The wall clock in milliseconds since 1970: for people, not for measuring time.
  var wallMilliseconds: UInt64 { get }

  /// Whether the system clock is known to be synchronised (adjtimex(2): not STA_UNSYNC).
  var wallIsSynchronised: Bool { get }

  /// Runs `action` once, at `deadline` or as soon after it as possible, on the timekeeper's thread.
  /// - Returns: the timer for `cancel`.
  @discardableResult
  func schedule(at deadline: Instant, _ action: @escaping () -> Void) -> TimerID

  /// Cancels a timer; does nothing when it has run or was already cancelled.
  func cancel(_ timer: TimerID)
}

extension Timekeeper {
  /// Runs `action` once, `delay` from now.
  @discardableResult
  package func schedule(after delay: Duration, _ action: @escaping () -> Void) -> TimerID {
    schedule(at: now + delay, action)
  }
}

/// Identifies a scheduled timer; never reused within a timekeeper.
package struct TimerID: Hashable, Sendable {
  let number: UInt64

  /// Only for timekeepers, which use each number once.
  package init(_ number: UInt64) { self.number = number }
}
