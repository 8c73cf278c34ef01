import Linux
import Model

/// What the parts of the daemon run on: time, turns, and threads for what blocks. `EventLoop` is the real one; where
/// time is moved by hand, one without threads or descriptors takes its place.
public protocol Loop: Timekeeper {
  /// Runs `action` before the loop waits again, after the handler that calls this.
  func later(_ action: @escaping () -> Void)

  /// One turn: what is due and ready now, after waiting for it when `wait` is true and nothing is.
  func turn(wait: Bool)

  /// A place for work that blocks; see `Worker`.
  /// - Parameters:
  ///   - name: of the thread, at most 15 bytes (pthread_setname_np(3)).
  ///   - state: makes what belongs to the work, where the work runs, before the first job.
  func worker<State>(_ name: String, state: @escaping @Sendable () -> State) -> any Jobs<State>

  /// Calls `handler` whenever the wall clock was set, from now on; not while it is slewed.
  /// - Throws: when the process has no descriptors left.
  func watchClock(_ handler: @escaping () -> Void) throws(SystemError)

  /// Calls `handler` once when the child `pid` has ended, and reaps it.
  /// - Throws: ESRCH when there is no such child any more.
  func onExit(of pid: Int32, _ handler: @escaping (ExitStatus) -> Void) throws(SystemError)
}

/// Work that blocks, one job after the other, away from the loop.
public protocol Jobs<State>: AnyObject {
  /// What belongs to the jobs, and nobody else touches.
  associatedtype State

  /// Runs `work` where it may block and `then` on the loop with what it returned.
  func submit<Result: Sendable>(
    _ work: @escaping @Sendable (inout State) -> Result, then completion: @escaping (Result) -> Void)
}

extension Worker: Jobs {}

extension EventLoop: Loop {
  public func worker<State>(_ name: String, state: @escaping @Sendable () -> State) -> any Jobs<State> {
    Worker(name, on: self, state: state)
  }
}
