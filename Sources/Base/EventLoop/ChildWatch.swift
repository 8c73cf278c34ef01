import CLinux
import Linux

/// How a child process ended.
public enum ExitStatus: Sendable, Hashable {
  /// By itself, with this code; -1 when somebody else has reaped it.
  case exited(Int32)
  /// By a signal.
  case signalled(Int32)
}

extension EventLoop {
  /// Calls `handler` once when the child `pid` has ended, and reaps it. Uses a pidfd (pidfd_open(2)), so a reused
  /// process id cannot be taken for it.
  /// - Throws: ESRCH when there is no such child any more.
  public func onExit(of pid: pid_t, _ handler: @escaping (ExitStatus) -> Void) throws(SystemError) {
    let child = try ChildProcess(pid)
    child.watch = try watch(child.descriptor.number, for: .readable) { [self] _ in
      var status: Int32 = 0
      // SAFETY: writes the status into the local.
      let reaped = System.retry { unsafe waitpid(pid, &status, WNOHANG) }
      if reaped == 0 { return }
      if let watch = child.watch { unwatch(watch) }
      // ECHILD: something else has reaped it; how it ended is not known any more.
      guard reaped == pid else { return handler(.exited(-1)) }
      let signal = openstarry_exit_signal(status)
      handler(signal != 0 ? .signalled(signal) : .exited(openstarry_exit_code(status)))
    }
  }
}

/// Keeps a child's descriptor open as long as it is watched.
private final class ChildProcess {
  let descriptor: Descriptor
  var watch: WatchID?

  init(_ pid: pid_t) throws(SystemError) {
    descriptor = try Descriptor(checking: openstarry_pidfd_open(pid), "pidfd_open", "process \(pid)")
  }
}
