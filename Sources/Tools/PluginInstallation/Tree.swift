import Glibc
import Linux
import Plugins

/// Folders with everything below them. Symbolic links are never followed.
enum Tree {
  /// A regular file.
  struct File {
    /// Relative to the tree's folder.
    var path: String
    var isExecutable: Bool
  }

  /// All regular files, sorted by the bytes of their paths.
  /// - Throws: for anything that is neither a file nor a folder, with its name.
  /// - Parameter hidden: whether with entries at the top whose names begin with a dot.
  static func files(_ folder: String, hidden: Bool = true) throws(PluginError) -> [File] {
    var found: [File] = []
    try walk(folder, "") { (path, kind, mode) throws(PluginError) in
      if !hidden, path.hasPrefix(".") { return }
      switch kind {
      case .folder: break
      case .regular: found.append(File(path: path, isExecutable: mode & 0o111 != 0))
      case .other: throw EntryNames.refuse(path, "it is neither a file nor a folder")
      }
    }
    return found.sorted { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
  }

  /// The folder and all folders below it, the innermost first.
  static func folders(_ folder: String) throws(PluginError) -> [String] {
    var found = [folder]
    try walk(folder, "") { (path, kind, _) throws(PluginError) in
      if kind == .folder { found.append("\(folder)/\(path)") }
    }
    return found.reversed()
  }

  /// Calls `visit` for everything below a folder, a folder before its entries, with the path relative to `folder`, the kind
  /// and the permission bits.
  static func walk(
    _ folder: String, _ below: String, _ visit: (String, FileKind, UInt32) throws(PluginError) -> Void
  ) throws(PluginError) {
    let here = below.isEmpty ? folder : "\(folder)/\(below)"
    let names: [String]
    do throws(SystemError) { names = try Files.names(in: here) } catch { throw PluginError(error) }
    for name in names {
      let path = below.isEmpty ? name : "\(below)/\(name)"
      let status: FileStatus
      do throws(SystemError) { status = try FileStatus(ofLink: "\(folder)/\(path)") } catch { throw PluginError(error) }
      try visit(path, status.kind, status.mode)
      if status.kind == .folder { try walk(folder, path, visit) }
    }
  }

  /// Removes a folder with everything below it; does nothing if it does not exist. What cannot be removed stays. Of a
  /// symbolic link only the link is removed.
  static func remove(_ folder: String) {
    guard (try? FileStatus(ofLink: folder))?.kind == .folder else {
      Files.remove(folder)
      return
    }
    for name in (try? Files.names(in: folder)) ?? [] { remove("\(folder)/\(name)") }
    Files.removeFolder(folder)
  }
}
