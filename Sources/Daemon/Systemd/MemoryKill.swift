import Linux

/// A note to the next run that the kernel has killed the daemon because the service was out of memory.
///
/// The control group counts such kills (`oom_kill` of `memory.events`), but it is removed with the service. Only what
/// systemd runs after the daemon (ExecStopPost=) still finds it. A guardian keeps it for the next daemon, with the count.
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

  /// Begins a run: removes the note, and remembers what the group has counted so far.
  ///
  /// If it cannot be written, the run after this one may report memory as the cause of an end by SIGKILL.
  /// - Parameter kills: how many processes of the group the kernel has killed for memory.
  package func begin(kills: UInt64) {
    Files.remove(path)
    if kills == 0 { Files.remove(countPath) } else { try? Files.replace(countPath, with: Array("\(kills)".utf8)) }
  }

  /// Leaves the note if the daemon was killed and the kernel has killed for memory since `begin`, or if systemd reports
  /// such a kill (`SERVICE_RESULT`, systemd.exec(5); not with `OOMPolicy=continue`).
  /// - Parameter kills: how many processes of the group the kernel has killed for memory.
  package func note(kills: UInt64) {
    // A new group begins with zero.
    let known = kills < before ? 0 : before
    guard result == "oom-kill" || result == "signal" && status == "KILL" && kills > known else { return }
    // If it cannot be written, the next start reports that the daemon was killed, without the cause.
    try? Files.replace(path, with: [], mode: 0o600)
  }

  /// Whether the previous run has left the note.
  package var isThere: Bool { Files.exists(path) }

  private var before: UInt64 {
    guard let text = try? Files.read(countPath, limit: 32) else { return 0 }
    return UInt64(String(decoding: text, as: UTF8.self)) ?? 0
  }

  private var path: String { "\(folder)/killed-for-memory" }
  private var countPath: String { "\(folder)/memory-kills" }
}
