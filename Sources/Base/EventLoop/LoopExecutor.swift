/// Runs actors and tasks on the loop's thread, so that concurrency needs no thread pool (SE-0392, SE-0417).
///
/// An actor runs here when its `unownedExecutor` is this; a task when it was started by `EventLoop.spawn`.
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
