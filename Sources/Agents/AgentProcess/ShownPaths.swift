import Linux
import Model

/// The files and folders of this machine that an agent sees, beside those of every agent.
struct ShownPaths: Sendable {
  /// Those of `fs_allow_paths`, absolute, without links.
  private(set) var granted: [String] = []
  /// Those that are not shown, each with the reason.
  private(set) var refused: [String] = []
  /// `granted`, and the agent's own folders.
  private var all: [String]
  /// What no agent may see, without links.
  private let hidden: [String]

  /// - Parameters:
  ///   - folders: the agent's own folders, without links.
  ///   - hidden: files and folders of the daemon, which no agent sees even where it sees the folder around them.
  init(of manifest: Manifest, folders: [String] = [], hidden: [String]) {
    self.hidden = hidden.map(Files.resolveExisting)
    // A file may have a second name, a hard link, under which an agent could use it just as well.
    let others = self.hidden.compactMap { try? FileStatus($0) }.filter { $0.kind != .folder }
    for path in manifest.permissions.paths {
      guard let found = try? Files.resolve(Files.join(Files.folder(of: manifest.file), path)) else {
        refused.append("\(path) does not exist")
        continue
      }
      // A link may lead where the manifest itself may not.
      let status = try? FileStatus(found)
      if found == "/" || ["/dev", "/proc", "/sys"].contains(where: { Files.contains($0, found) }) {
        refused.append("\(path) is \(found), which no agent may see")
      } else if self.hidden.contains(where: { Files.contains($0, found) }),
        !folders.contains(where: { Files.contains($0, found) })
      {
        refused.append("\(path) belongs to the daemon, and no agent may see it")
      } else if let status, others.contains(where: { $0.inode == status.inode && $0.device == status.device }) {
        refused.append("\(path) is another name of a file of the daemon, and no agent may see it")
      } else if manifest.permissions.data != nil, Files.contains(DataFolders.mount, found) {
        refused.append("\(path) lies where the agent finds its folder for data")
      } else {
        granted.append(found)
      }
    }
    all = folders + granted
  }

  /// Takes back a granted path.
  mutating func refuse(_ path: String, _ reason: String) {
    granted.removeAll { $0 == path }
    all.removeAll { $0 == path }
    refused.append("\(path) \(reason)")
  }

  /// bubblewrap's words that cover files and folders of the daemon in a folder that the agent sees.
  func mask() -> [String] {
    var words: [String] = []
    for path in covered {
      words +=
        Files.isFolder(path)
        ? ["--size", "4096", "--tmpfs", path, "--remount-ro", path] : ["--ro-bind", "/dev/null", path]
    }
    return words
  }

  /// What belongs to the daemon, and lies in a folder that the agent sees.
  var covered: [String] { hidden.filter { shows($0) && Files.exists($0) } }

  /// Whether the agent would see a file.
  /// - Parameter path: with links resolved.
  func shows(_ path: String) -> Bool { all.contains { Files.contains($0, path) } }
}
