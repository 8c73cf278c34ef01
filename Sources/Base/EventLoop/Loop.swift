import Linux
import Model

/// The loop that the parts of the daemon run on: time, turns, and workers for blocking work. `EventLoop` is the real
/// one; trials and tests use one with a manual clock, without threads or descriptors.
package protocol Loop: Timekeeper {
  /// Runs `action` before the loop waits again, after the handler that calls this.
  func later(_ action: @escaping () -> Void)

  /// Runs one turn: all handlers that are due or ready.
  /// - Parameter wait: whether to sleep until a handler is due or ready; false returns at once.
  func turn(wait: Bool)

  /// A queue for blocking work; see `Worker`.
  /// - Parameters:
  ///   - name: the thread's name, at most 15 bytes (pthread_setname_np(3)).
  ///   - state: makes the jobs' state, on the thread of the jobs, before the first one.
  func worker<State>(_ name: String, state: @escaping @Sendable () -> State) -> any JobQueue<State>

  /// Calls `handler` whenever the wall clock is stepped from now on. Slewing does not count.
  /// - Throws: when the process has no descriptors left.
  func watchClock(_ handler: @escaping () -> Void) throws(SystemError)

  /// Reaps the child `pid` when it ends, then calls `handler` once.
  /// - Throws: ESRCH when there is no such process (any more).
  func onExit(of pid: Int32, _ handler: @escaping (ExitStatus) -> Void) throws(SystemError)
}

/// A queue of blocking jobs that run one after the other, away from the loop.
package protocol JobQueue<State>: AnyObject {
  /// The state that only the jobs use.
  associatedtype State

  /// Runs `work` where it may block, then `completion` on the loop with its result.
  func submit<Result: Sendable>(
    _ work: @escaping @Sendable (inout State) -> Result, then completion: @escaping (Result) -> Void)
}

extension Worker: JobQueue {}

extension EventLoop: Loop {
  package func worker<State>(_ name: String, state: @escaping @Sendable () -> State) -> any JobQueue<State> {
    Worker(name, on: self, state: state)
  }
}
