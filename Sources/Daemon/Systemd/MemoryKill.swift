import Linux

/// A note to the next run that the kernel has killed a process of the service because it was out of memory.
///
/// systemd reports this only to what it runs after the service (`SERVICE_RESULT`, systemd.exec(5)), and the control
/// group that counts such kills is removed with the service.
package struct MemoryKill {
  /// The first folder of systemd's `RUNTIME_DIRECTORY`.
  package let folder: String
  private let result: String?
  private let status: String?

  /// - Returns: nil when systemd has given the service no folder.
  package init?(_ environment: [String: String]) {
    guard let folder = environment["RUNTIME_DIRECTORY"]?.split(separator: ":").first else { return nil }
    self.folder = String(folder)
    result = environment["SERVICE_RESULT"]
    status = environment["EXIT_STATUS"]
  }

  /// Leaves the note, if systemd reports such a kill, or reports SIGKILL where the kernel has killed for memory.
  ///
  /// systemd may reap the process before it hears of the reason: the kernel notifies changes of `memory.events` at most
  /// every 10 ms (`cgroup_file_notify`, kernel/cgroup/cgroup.c).
  /// - Parameter kills: how many processes of the service the kernel has killed for memory.
  package func note(kills: UInt64) {
    guard result == "oom-kill" || result == "signal" && status == "KILL" && kills > 0 else { return }
    // If it cannot be written, the next start reports that the daemon was killed, without the cause.
    try? Files.replace(path, with: [], mode: 0o600)
  }

  /// Whether the previous run has left the note.
  package var isThere: Bool { Files.exists(path) }

  /// Removes the note.
  package func remove() { Files.remove(path) }

  private var path: String { "\(folder)/killed-for-memory" }
}
