/// The programs that run beside the daemon.
package enum CompanionProgram {
  /// Looks for a program beside this one, in `../lib/openstarry`, `/usr/libexec/openstarry`, `/usr/lib/openstarry` and
  /// `/usr/libexec`.
  /// - Returns: its path; nil when it is in none of them.
  package static func find(_ name: String) -> String? {
    let system = ["/usr/libexec/openstarry", "/usr/lib/openstarry", "/usr/libexec"]
    let own = ownFolder.map { [$0, "\($0)/../lib/openstarry"] } ?? []
    for folder in own + system where Files.isFile("\(folder)/\(name)") { return "\(folder)/\(name)" }
    return nil
  }

  /// The folder of this program. An upgrade replaces the file of a running program; the kernel marks its path then.
  static var ownFolder: String? {
    guard let path = Files.target(ofLink: "/proc/self/exe") else { return nil }
    return folder(ofProgram: path)
  }

  /// - Parameter path: as /proc/PID/exe has it (proc_pid_exe(5)).
  static func folder(ofProgram path: String) -> String? {
    let mark = " (deleted)"
    let path = path.hasSuffix(mark) ? String(path.dropLast(mark.count)) : path
    return Files.isAbsolute(path) ? Files.folder(of: path) : nil
  }
}
