import Linux

/// Where the guardian's program is.
public enum GuardianProgram {
  /// Its name.
  public static let name = "openstarry-guardian"

  /// Looks beside this program, then where packages put it.
  /// - Returns: nil when it is nowhere.
  public static func find() -> String? {
    let folder = (try? Files.resolve("/proc/self/exe")).map(Files.folder(of:)) ?? "."
    let folders = [folder, "\(folder)/../lib/openstarry", "/usr/libexec/openstarry", "/usr/lib/openstarry"]
    for folder in folders + ["/usr/libexec"] where Files.isFile("\(folder)/\(name)") { return "\(folder)/\(name)" }
    return nil
  }
}
