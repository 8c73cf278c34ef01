/// Paths as texts; nothing here looks at the file system.
enum Paths {
  /// The folder part of a path; `.` when it has none.
  static func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  /// The last part of a path.
  static func name(of path: String) -> String {
    path.split(separator: "/").last.map(String.init) ?? path
  }

  /// `~` and `~/…` with the home folder in place of the tilde; unchanged when there is none.
  static func expand(_ path: String, home: String?) -> String {
    guard let home, path == "~" || path.hasPrefix("~/") else { return path }
    return home + path.dropFirst()
  }

  /// `path` as seen from `folder`: unchanged when it is absolute, without `.` and needless `..` otherwise.
  static func join(_ folder: String, _ path: String) -> String {
    if path.hasPrefix("/") { return path }
    var parts: [Substring] = []
    for part in "\(folder)/\(path)".split(separator: "/") where part != "." {
      // `a/../b` is `b` as long as `a` is no symbolic link, which names in a settings file are not meant to be.
      if part == "..", let last = parts.last, last != ".." { parts.removeLast() } else { parts.append(part) }
    }
    let joined = parts.joined(separator: "/")
    return folder.hasPrefix("/") ? "/\(joined)" : joined.isEmpty ? "." : joined
  }
}
