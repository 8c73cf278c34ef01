import CLinux
import Model
import Synchronization

/// A named thread for work that blocks: one bus, one camera, the storage. Jobs run one after the other, the urgent ones
/// first.
///
/// The thread starts with the first job and ends when none has come for a while, so that a daemon at rest has one
/// thread. `State` belongs to the thread: no other one ever touches it.
public final class Worker<State> {
  private let queue: Queue
  private let loop: EventLoop
  private let core: Core<State>

  /// Makes a worker; no thread runs yet.
  /// - Parameters:
  ///   - name: of the thread, at most 15 bytes (pthread_setname_np(3)).
  ///   - loop: where results are handed back.
  ///   - idle: how long the thread stays without work.
  ///   - make: makes the state, on the thread, before the first job.
  public init(
    _ name: String, on loop: EventLoop, idle: Duration = .seconds(2), state make: @escaping @Sendable () -> State
  ) {
    self.loop = loop
    queue = Queue(name: name, idle: idle)
    core = Core(make)
    loop.workers.append(WeakQueue(queue))
  }

  /// From now on the daemon counts as stuck when this worker is: outputs that hang on it cannot be made safe without.
  public func makeVital() { queue.makeVital() }

  /// How many jobs have not finished.
  public var pending: Int { queue.pending }

  /// Runs `work` on the thread and `then` on the loop with what it returned.
  public func submit<Result: Sendable>(
    _ work: @escaping @Sendable (inout State) -> Result, then completion: @escaping (Result) -> Void
  ) { submit(urgent: false, work, then: completion) }

  /// The same.
  /// - Parameter urgent: whether it goes before every job that has not begun and is not urgent itself.
  public func submit<Result: Sendable>(
    urgent: Bool, _ work: @escaping @Sendable (inout State) -> Result, then completion: @escaping (Result) -> Void
  ) {
    let (job, mailbox) = loop.expect { result in
      guard let result = result as? Result else { preconditionFailure("a job returned another type") }
      completion(result)
    }
    let core = self.core
    loop.onWork?()
    if !queue.add(urgent: urgent, { mailbox.post(Mailbox.Letter(job: job, result: core.perform(work))) }) { retry() }
  }

  /// The system refuses a thread (pthread_create(3): EAGAIN): the work waits until it grants one.
  private func retry() {
    let queue = self.queue
    loop.schedule(after: .seconds(1)) { [weak self] in
      if !queue.ensureThread() { self?.retry() }
    }
  }
}

/// What a worker is at, as a watchdog sees it.
public struct WorkerStatus: Sendable, Hashable {
  /// Its thread's name.
  public var name: String
  /// How many jobs have not finished.
  public var pending: Int
  /// When it began the job it is at; nil when it is at none.
  public var busySince: Instant?
  /// Whether `makeVital` was called.
  public var isVital: Bool
}

/// A worker's queue while the worker lives, or its thread does.
struct WeakQueue {
  weak var queue: Queue?
  init(_ queue: Queue) { self.queue = queue }
}

extension EventLoop {
  /// What every worker of this loop is at.
  public func workerStatus() -> [WorkerStatus] {
    workers.removeAll { $0.queue == nil }
    return workers.compactMap { $0.queue?.status }
  }
}

/// The state of a worker, made on first use.
///
/// SAFETY: `perform` is only called by the queue's thread; threads that follow each other hand it over under the
/// queue's lock.
private final class Core<State>: @unchecked Sendable {
  private let make: @Sendable () -> State
  private var state: State?

  init(_ make: @escaping @Sendable () -> State) { self.make = make }

  func perform<Result>(_ work: (inout State) -> Result) -> Result {
    var state = self.state.take() ?? make()
    defer { self.state = state }
    return work(&state)
  }
}
