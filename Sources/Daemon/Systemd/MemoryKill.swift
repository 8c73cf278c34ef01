import Linux

/// A note from one run to the next that the kernel had killed a process of the service, since it had no memory left for
/// it. systemd tells only what it runs after the service (`SERVICE_RESULT`, systemd.exec(5)); the control group, which
/// counts it, goes with the service.
package struct MemoryKill {
  /// The first folder of systemd's `RUNTIME_DIRECTORY`.
  package let folder: String
  private let result: String?

  /// - Returns: nil where systemd has given no folder.
  package init?(_ environment: [String: String]) {
    guard let folder = environment["RUNTIME_DIRECTORY"]?.split(separator: ":").first else { return nil }
    self.folder = String(folder)
    result = environment["SERVICE_RESULT"]
  }

  /// Leaves the note, where systemd says so.
  package func note() {
    // Without it the next start says that the daemon was killed, and not by whom.
    if result == "oom-kill" { try? Files.replace(path, with: [], mode: 0o600) }
  }

  /// Whether the run before has left the note.
  package var isThere: Bool { Files.exists(path) }

  /// Takes it away.
  package func remove() { Files.remove(path) }

  private var path: String { "\(folder)/killed-for-memory" }
}
