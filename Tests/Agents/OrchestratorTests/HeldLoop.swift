import EventLoop
import Glibc
import Linux
import Model

/// A loop on time that is moved by hand, whose work on threads waits until it is let go, job by job.
final class HeldLoop: Loop {
  let clock = ManualClock()
  private var deferred: [() -> Void] = []
  private var jobs: [(name: String, work: () -> Void)] = []
  /// The names of threads that get nothing done.
  var stuck: Set<String> = []

  /// How many jobs wait.
  var waiting: Int { jobs.count }

  var now: Instant { clock.now }
  var wallMilliseconds: UInt64 { clock.wallMilliseconds }
  var wallIsSynchronised: Bool { clock.wallIsSynchronised }
  @discardableResult
  func schedule(at deadline: Instant, _ action: @escaping () -> Void) -> TimerID {
    clock.schedule(at: deadline, action)
  }
  func cancel(_ timer: TimerID) { clock.cancel(timer) }
  func later(_ action: @escaping () -> Void) { deferred.append(action) }

  /// Whoever waits inside has his job done.
  func turn(wait: Bool) {
    clock.advance(by: .zero)
    let actions = deferred
    deferred = []
    for action in actions { action() }
    if actions.isEmpty, wait { work() }
  }

  /// Does the job that has waited longest.
  /// - Returns: false when there is none that can be done.
  @discardableResult
  func work() -> Bool {
    guard let place = jobs.firstIndex(where: { !stuck.contains($0.name) }) else { return false }
    jobs.remove(at: place).work()
    return true
  }

  /// Does everything that is due now, and what follows from it.
  func settle() {
    repeat { turn(wait: false) } while work() || !deferred.isEmpty || clock.nextDeadline().map { $0 <= now } ?? false
  }

  func worker<State>(_ name: String, state: @escaping @Sendable () -> State) -> any JobQueue<State> {
    HeldJobQueue(self, name, state)
  }

  func watchClock(_ handler: @escaping () -> Void) { clock.onWallSet = handler }

  /// It has no children.
  func onExit(of pid: Int32, _ handler: @escaping (ExitStatus) -> Void) throws(SystemError) {
    throw SystemError("wait for", "\(pid)", errno: ESRCH)
  }

  private final class HeldJobQueue<State>: JobQueue {
    private unowned let loop: HeldLoop
    private let name: String
    private let make: () -> State
    private var state: State?

    init(_ loop: HeldLoop, _ name: String, _ make: @escaping () -> State) {
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
