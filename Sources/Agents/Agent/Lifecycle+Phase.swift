import Model

extension Lifecycle {
  /// A state with what belongs to it alone.
  enum Phase: Sendable {
    case idle
    case starting
    case ready(since: Instant)
    case active(since: Instant)
    case draining(Ending)
    case stopping(Ending)
    case backoff
    case quarantined

    var state: LifecycleState {
      switch self {
      case .idle: .idle
      case .starting: .starting
      case .ready: .ready
      case .active: .active
      case .draining: .draining
      case .stopping: .stopping
      case .backoff: .backoff
      case .quarantined: .quarantined
      }
    }
  }

  /// The end of an instance, and what follows it.
  struct Ending: Sendable {
    /// What the driver has yet to answer.
    var awaited: Answer
    /// What follows when the instance has ended.
    var next: Next
    /// For `agent:stopped`.
    var reason: ExitReason
    /// When the instance became ready; nil when it did not.
    var started: Instant?

    /// Changes what follows.
    /// - Parameters:
    ///   - reason: nil leaves the reason as it is.
    ///   - isClosed: nothing follows a shutdown, so nothing changes.
    /// - Returns: the effects.
    mutating func retarget(_ next: Next, _ reason: ExitReason?, unless isClosed: Bool) -> [LifecycleEffect] {
      if isClosed { return [] }
      (self.next, self.reason) = (next, reason ?? self.reason)
      return next == .rest ? [.clearQueue] : []
    }
  }

  /// An answer of the driver.
  enum Answer: Sendable { case start, activation, stop, stopNow }

  /// What follows the end of an instance.
  enum Next: Sendable {
    /// Stays idle; the queue is dropped.
    case rest
    /// Starts again when events are queued: a one-shot agent between two events.
    case again
    /// A person asked for a restart.
    case start
    /// Starts again with the agent with which it ends.
    case comeBack
    /// After a failure: back-off, quarantine or idle, according to the policy.
    case retry
  }
}
