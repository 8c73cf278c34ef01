/// Operations on the text of paths, without access to the file system.
enum Paths {
  /// The folder of a path; `.` for a path without one.
  static func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  /// The last component of a path.
  static func name(of path: String) -> String {
    path.split(separator: "/").last.map(String.init) ?? path
  }

  /// Replaces `~` in `~` and `~/…` by the home folder; unchanged if `home` is nil.
  static func expand(_ path: String, home: String?) -> String {
    guard let home, path == "~" || path.hasPrefix("~/") else { return path }
    return home + path.dropFirst()
  }

  /// Joins `path` to `folder`, and removes `.` and redundant `..`. An absolute `path` is returned unchanged.
  static func join(_ folder: String, _ path: String) -> String {
    if path.hasPrefix("/") { return path }
    var parts: [Substring] = []
    for part in "\(folder)/\(path)".split(separator: "/") where part != "." {
      // `a/../b` is `b` unless `a` is a symbolic link, which paths in a settings file are not expected to contain.
      if part == "..", let last = parts.last, last != ".." { parts.removeLast() } else { parts.append(part) }
    }
    let joined = parts.joined(separator: "/")
    return folder.hasPrefix("/") ? "/\(joined)" : joined.isEmpty ? "." : joined
  }
}
