/// The programs that run beside the daemon.
public enum CompanionProgram {
  /// Looks for a program beside this one, in `../lib/openstarry`, `/usr/libexec/openstarry`, `/usr/lib/openstarry` and
  /// `/usr/libexec`.
  /// - Returns: its path; nil when it is in none of them.
  public static func find(_ name: String) -> String? {
    let folder = (try? Files.resolve("/proc/self/exe")).map(Files.folder(of:)) ?? "."
    let folders = [folder, "\(folder)/../lib/openstarry", "/usr/libexec/openstarry", "/usr/lib/openstarry"]
    for folder in folders + ["/usr/libexec"] where Files.isFile("\(folder)/\(name)") { return "\(folder)/\(name)" }
    return nil
  }
}
