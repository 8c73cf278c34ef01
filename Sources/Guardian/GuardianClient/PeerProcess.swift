import CLinux
import Glibc
import Linux
import Wire

/// The process that listens at the other end of a connection, pinned by a pidfd (pidfd_open(2)), so that a reused pid
/// cannot be signalled.
final class PeerProcess {
  let pid: Int32
  private let process: Descriptor

  /// How long to wait for its end, in milliseconds. The kernel finishes a transfer to the hardware before the process
  /// ends.
  private static let patience: Int32 = 2000

  /// Identifies the process by SO_PEERCRED, which reports the caller of listen(2).
  /// - Parameters:
  ///   - socket: a connection whose other end only that process has.
  ///   - program: the name of the program that it must run.
  /// - Returns: nil when the process has ended, or runs another program: then it created the socket for the process
  ///   that uses it, which did not call listen(2) itself.
  init?(at socket: Int32, program: String) {
    guard let pid = try? Peer(of: socket).pid, pid > 1, pid != getpid(),
      let process = try? Descriptor(checking: openstarry_pidfd_open(pid), "pidfd_open", "process \(pid)"),
      // The kernel truncates the name to 15 bytes (proc_pid_comm(5)).
      let name = try? Files.read("/proc/\(pid)/comm"), Array(program.utf8.prefix(15)) + [0x0A] == name
    else { return nil }
    // The other end is still open, so its process lives, and its pid was not reused before the pidfd was opened.
    var watched = pollfd(fd: socket, events: 0, revents: 0)
    // SAFETY: one structure, which the kernel fills in.
    guard unsafe poll(&watched, 1, 0) == 0 else { return nil }
    self.pid = pid
    self.process = process
  }

  /// Waits until the process has ended and the kernel has closed its descriptors, for at most 2 s.
  /// - Returns: whether it has ended.
  func waitForEnd() -> Bool {
    var watched = pollfd(fd: process.number, events: Int16(POLLIN), revents: 0)
    // SAFETY: as above.
    return System.retry { unsafe Int(poll(&watched, 1, Self.patience)) } > 0
  }

  /// Kills the process with SIGKILL and waits for its end, for at most 2 s.
  /// - Returns: whether it has ended.
  @discardableResult
  func end() -> Bool {
    // A failure means that it has ended already.
    _ = openstarry_pidfd_signal(process.number, SIGKILL)
    return waitForEnd()
  }
}
