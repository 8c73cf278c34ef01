import CLinux
import Glibc
import Linux
import Wire

/// The process that listens at the other end of a connection, held by a descriptor (pidfd_open(2)): what is done goes to
/// that very process, whatever its number comes to mean.
final class PeerProcess {
  let pid: Int32
  private let process: Descriptor

  /// How long an end may take, in milliseconds. The kernel lets a transfer to the hardware that is under way come to its
  /// end before that of the process.
  private static let patience: Int32 = 2000

  /// Finds it.
  /// - Parameters:
  ///   - socket: a connection, whose other end no process has but that one.
  ///   - program: the name of the program that it runs.
  /// - Returns: nil when the process has ended, and when it is another one: that of a socket which was made by one process
  ///   and used by another, who did not call listen(2) itself.
  init?(at socket: Int32, program: String) {
    guard let pid = try? Peer(of: socket).pid, pid > 1, pid != getpid(),
      let process = try? Descriptor(checking: openstarry_pidfd_open(pid), "pidfd_open", "process \(pid)"),
      // A name is cut to 15 bytes (proc_pid_comm(5)).
      let name = try? Files.read("/proc/\(pid)/comm"), Array(program.utf8.prefix(15)) + [0x0A] == name
    else { return nil }
    // As long as somebody is at the other end, the number has not been given away: the descriptor is of that one.
    var watched = pollfd(fd: socket, events: 0, revents: 0)
    // SAFETY: one structure, which the kernel fills in.
    guard unsafe poll(&watched, 1, 0) == 0 else { return nil }
    self.pid = pid
    self.process = process
  }

  /// Waits until it has ended, and the kernel has closed what it held.
  /// - Returns: whether it has, within the time that this may take.
  func waitForEnd() -> Bool {
    var watched = pollfd(fd: process.number, events: Int16(POLLIN), revents: 0)
    // SAFETY: as above.
    return System.retry { unsafe Int(poll(&watched, 1, Self.patience)) } > 0
  }

  /// Ends it with SIGKILL, and waits for that.
  /// - Returns: whether it has ended, within the time that this may take.
  @discardableResult
  func end() -> Bool {
    // One that is a zombie already has ended.
    _ = openstarry_pidfd_signal(process.number, SIGKILL)
    return waitForEnd()
  }
}
