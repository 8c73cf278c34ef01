// The text of paths, byte by byte as the kernel reads it. To Swift a slash with a combining mark after it is another
// character, and two spellings of one letter are equal.
extension Files {
  private static let slash = UInt8(ascii: "/")

  /// Whether a path begins at the root.
  package static func isAbsolute(_ path: String) -> Bool { path.utf8.first == slash }

  /// The components of a path, without the empty ones between two slashes.
  package static func parts(of path: some StringProtocol) -> [Substring] {
    Substring(path).utf8.split(separator: slash).map { Substring($0) }
  }

  /// The last component of a path; nil for the root and an empty path.
  package static func name(of path: String) -> String? { parts(of: path).last.map { String($0) } }

  /// The folder part of a path; `.` when it has none.
  package static func folder(of path: String) -> String {
    guard let end = path.utf8.lastIndex(of: slash) else { return "." }
    return end == path.startIndex ? "/" : String(path[..<end])
  }

  /// `path` relative to `folder`; an absolute path is returned unchanged.
  package static func join(_ folder: String, _ path: String) -> String {
    if isAbsolute(path) || folder == "." || folder.isEmpty { return path }
    return folder.utf8.last == slash ? "\(folder)\(path)" : "\(folder)/\(path)"
  }

  /// Whether `path` is `folder`, or lies in it. Neither may have `..`, and only links that are resolved count.
  package static func contains(_ folder: String, _ path: String) -> Bool { rest(of: path, in: folder) != nil }

  /// The part of a path behind a folder, without a slash before it; empty for the folder itself.
  /// - Returns: nil when the path does not lie in the folder.
  package static func rest(of path: String, in folder: String) -> String? {
    guard path.utf8.starts(with: folder.utf8) else { return nil }
    let rest = path.utf8.dropFirst(folder.utf8.count)
    if rest.isEmpty || folder.utf8.last == slash { return String(Substring(rest)) }
    return rest.first == slash ? String(Substring(rest.dropFirst())) : nil
  }
}
