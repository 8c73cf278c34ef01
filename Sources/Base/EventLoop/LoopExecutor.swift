/// Runs actors and tasks on the loop's thread, so that concurrency needs no thread pool (SE-0392, SE-0417).
///
/// Used by an actor whose `unownedExecutor` is this executor, and by tasks of `EventLoop.spawn`.
public final class LoopExecutor: SerialExecutor, TaskExecutor {
  private let mailbox: Mailbox

  init(_ mailbox: Mailbox) { self.mailbox = mailbox }

  public func enqueue(_ job: consuming ExecutorJob) { mailbox.post(.job(UnownedJob(job))) }

  public func asUnownedSerialExecutor() -> UnownedSerialExecutor { unsafe UnownedSerialExecutor(ordinary: self) }

  func run(_ job: UnownedJob) {
    unsafe job.runSynchronously(
      isolatedTo: asUnownedSerialExecutor(), taskExecutor: unsafe UnownedTaskExecutor(ordinary: self))
  }
}
