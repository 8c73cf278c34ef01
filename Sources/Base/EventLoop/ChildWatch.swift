import CLinux
import Linux

/// How a child process ended.
package enum ExitStatus: Sendable, Hashable {
  /// It exited with this code; -1 when something else reaped it and the code is unknown.
  case exited(Int32)
  /// It was killed by this signal.
  case signalled(Int32)
}

extension EventLoop {
  /// Reaps the child `pid` when it ends, then calls `handler` once. Uses a pidfd (pidfd_open(2)), so a reused process
  /// id cannot be mistaken for the child.
  /// - Throws: ESRCH when there is no such process (any more).
  package func onExit(of pid: pid_t, _ handler: @escaping (ExitStatus) -> Void) throws(SystemError) {
    let child = try ChildProcess(pid)
    child.watch = try watch(child.descriptor.number, for: .readable) { [self] _ in
      var status: Int32 = 0
      // SAFETY: waitpid writes only the local status.
      let reaped = System.retry { unsafe waitpid(pid, &status, WNOHANG) }
      if reaped == 0 { return }
      if let watch = child.watch { unwatch(watch) }
      // ECHILD: something else reaped it, and its status is lost.
      guard reaped == pid else { return handler(.exited(-1)) }
      let signal = openstarry_exit_signal(status)
      handler(signal != 0 ? .signalled(signal) : .exited(openstarry_exit_code(status)))
    }
  }
}

/// Keeps a child's pidfd open while the loop watches it.
private final class ChildProcess {
  let descriptor: Descriptor
  var watch: WatchID?

  init(_ pid: pid_t) throws(SystemError) {
    descriptor = try Descriptor(checking: openstarry_pidfd_open(pid), "pidfd_open", "process \(pid)")
  }
}
