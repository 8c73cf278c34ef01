import CLinux
import Model
import Synchronization

/// A named thread for blocking work on one resource: a bus, a camera, the storage. Jobs run one after the other, urgent
/// ones first.
///
/// The thread starts with the first job and ends when it has been idle, so that a daemon at rest has one thread. Only
/// the worker's thread accesses `State`.
package final class Worker<State> {
  private let queue: Queue
  private let loop: EventLoop
  private let core: Core<State>

  /// A worker; its thread starts with the first job.
  /// - Parameters:
  ///   - name: the thread's name, at most 15 bytes (pthread_setname_np(3)).
  ///   - loop: the loop that runs the completions.
  ///   - idle: how long the thread waits for another job before it ends.
  ///   - make: makes the state, on the thread, before the first job.
  package init(
    _ name: String, on loop: EventLoop, idle: Duration = .seconds(2), state make: @escaping @Sendable () -> State
  ) {
    self.loop = loop
    queue = Queue(name: name, idle: idle)
    core = Core(make)
    loop.workers.append(WeakQueue(queue))
  }

  /// Marks the worker as vital: while it is stuck the daemon counts as stuck, because its outputs cannot be made safe.
  package func makeVital() { queue.makeVital() }

  /// The number of jobs that wait or run.
  package var pending: Int { queue.pending }

  /// Runs `work` on the worker's thread, then `completion` on the loop with its result.
  package func submit<Result: Sendable>(
    _ work: @escaping @Sendable (inout State) -> Result, then completion: @escaping (Result) -> Void
  ) { submit(urgent: false, work, then: completion) }

  /// Runs `work` on the worker's thread, then `completion` on the loop with its result.
  /// - Parameter urgent: true to run it before all waiting jobs that are not urgent.
  package func submit<Result: Sendable>(
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

  /// The system has refused a thread (pthread_create(3): EAGAIN). Tries again every second; the jobs wait.
  private func retry() {
    let queue = self.queue
    loop.schedule(after: .seconds(1)) { [weak self] in
      if !queue.ensureThread() { self?.retry() }
    }
  }
}

/// A worker's state for a watchdog.
package struct WorkerStatus: Sendable, Hashable {
  /// The thread's name.
  package var name: String
  /// The number of jobs that wait or run.
  package var pending: Int
  /// When the running job began; nil when none runs.
  package var busySince: Instant?
  /// Whether `makeVital` was called.
  package var isVital: Bool
}

/// A worker's queue, alive as long as the worker or its thread.
struct WeakQueue {
  weak var queue: Queue?
  init(_ queue: Queue) { self.queue = queue }
}

extension EventLoop {
  /// The status of every worker of this loop that still exists.
  package func workerStatus() -> [WorkerStatus] {
    workers.removeAll { $0.queue == nil }
    return workers.compactMap { $0.queue?.status }
  }
}

/// The state of a worker, made on first use.
///
/// SAFETY: only the queue's thread calls `perform`. The queue's lock orders the accesses of successive threads.
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
