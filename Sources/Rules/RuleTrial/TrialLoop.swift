import EventLoop
import Glibc
import Linux
import Model

/// A loop on time that is moved by hand, whose work on threads waits until it is let go, job by job. For trials and tests.
package final class TrialLoop: Loop {
  /// Its time.
  package let clock = ManualClock()
  /// A loop at the manual clock's start.
  package init() {}

  private var life = 0
  private var deferred: [() -> Void] = []
  private var jobs: [(name: String, work: () -> Void)] = []
  /// The names of threads that get nothing done.
  package var stuck: Set<String> = []

  /// How many jobs wait.
  package var waiting: Int { jobs.count }

  package var now: Instant { clock.now }
  package var wallMilliseconds: UInt64 { clock.wallMilliseconds }
  package var wallIsSynchronised: Bool { clock.wallIsSynchronised }
  @discardableResult
  package func schedule(at deadline: Instant, _ action: @escaping () -> Void) -> TimerID {
    clock.schedule(at: deadline) { [self, life] in if life == self.life { action() } }
  }
  package func cancel(_ timer: TimerID) { clock.cancel(timer) }
  package func later(_ action: @escaping () -> Void) { deferred.append(action) }

  /// Ends all that was scheduled, as the death of a process does.
  package func forget() {
    life += 1
    (deferred, jobs) = ([], [])
  }

  /// Whoever waits inside has his job done.
  package func turn(wait: Bool) {
    clock.advance(by: .zero)
    let actions = deferred
    deferred = []
    for action in actions { action() }
    if actions.isEmpty, wait { work() }
  }

  /// Does the job that has waited longest.
  /// - Returns: false when there is none that can be done.
  @discardableResult
  package func work() -> Bool {
    guard let place = jobs.firstIndex(where: { !stuck.contains($0.name) }) else { return false }
    jobs.remove(at: place).work()
    return true
  }

  /// Does everything that is due now, and what follows from it.
  package func settle() {
    repeat { turn(wait: false) } while work() || !deferred.isEmpty || clock.nextDeadline().map { $0 <= now } ?? false
  }

  package func worker<State>(_ name: String, state: @escaping @Sendable () -> State) -> any JobQueue<State> {
    TrialJobQueue(self, name, state)
  }

  package func watchClock(_ handler: @escaping () -> Void) { clock.onWallSet = handler }

  /// It has no children.
  package func onExit(of pid: Int32, _ handler: @escaping (ExitStatus) -> Void) throws(SystemError) {
    throw SystemError("wait for", "\(pid)", errno: ESRCH)
  }

  private final class TrialJobQueue<State>: JobQueue {
    private unowned let loop: TrialLoop
    private let name: String
    private let make: () -> State
    private var state: State?

    init(_ loop: TrialLoop, _ name: String, _ make: @escaping () -> State) {
      (self.loop, self.name, self.make) = (loop, name, make)
    }

    func submit<Result: Sendable>(
      _ work: @escaping @Sendable (inout State) -> Result, then completion: @escaping (Result) -> Void
    ) {
      let job = { [self] in
        var state = self.state ?? make()
        let result = work(&state)
        self.state = state
        completion(result)
      }
      loop.jobs.append((name, job))
    }
  }
}
