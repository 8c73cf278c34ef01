/// Where time comes from: the event loop's clock in the daemon, a clock moved by hand in tests and simulations.
///
/// Everything that waits or measures asks a timekeeper, so that no test ever sleeps.
public protocol Timekeeper: AnyObject {
  /// Now, on the monotonic clock.
  var now: Instant { get }

  /// Milliseconds since 1970: a label for people, never a measure.
  var wallMilliseconds: UInt64 { get }

  /// Whether the system clock is known to be synchronised (adjtimex(2): not STA_UNSYNC).
  var wallIsSynchronised: Bool { get }

  /// Runs `action` once, at `deadline` or as soon after as possible, on the same thread.
  /// - Returns: what `cancel` takes.
  @discardableResult
  func schedule(at deadline: Instant, _ action: @escaping () -> Void) -> TimerID

  /// Forgets a timer; does nothing when it has run or was cancelled.
  func cancel(_ timer: TimerID)
}

extension Timekeeper {
  /// Runs `action` once, `delay` from now.
  @discardableResult
  public func schedule(after delay: Duration, _ action: @escaping () -> Void) -> TimerID {
    schedule(at: now + delay, action)
  }
}

/// Names a scheduled timer; never used twice.
public struct TimerID: Hashable, Sendable {
  let number: UInt64

  /// Timekeepers make these, each number once.
  public init(_ number: UInt64) { self.number = number }
}
