import Linux

/// Operations on the text of paths, without access to the file system.
enum Paths {
  /// Replaces `~` in `~` and `~/…` by the home folder; unchanged if `home` is nil.
  static func expand(_ path: String, home: String?) -> String {
    guard let home, path == "~" || path.utf8.starts(with: "~/".utf8) else { return path }
    return home + String(Substring(path.utf8.dropFirst()))
  }

  /// Joins `path` to `folder`, and removes `.` and redundant `..`. An absolute `path` is returned unchanged.
  static func join(_ folder: String, _ path: String) -> String {
    if Files.isAbsolute(path) { return path }
    var parts: [Substring] = []
    for part in Files.parts(of: "\(folder)/\(path)") where part != "." {
      // `a/../b` is `b` unless `a` is a symbolic link, which paths in a settings file are not expected to contain.
      if part == "..", let last = parts.last, last != ".." { parts.removeLast() } else { parts.append(part) }
    }
    let joined = parts.joined(separator: "/")
    return Files.isAbsolute(folder) ? "/\(joined)" : joined.isEmpty ? "." : joined
  }
}
