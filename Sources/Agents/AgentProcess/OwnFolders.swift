import Linux
import Model

/// The folders of an agent that is a program, which it sees without a permission: that of its program, unless that is one
/// of the system's, and that of its manifest if the program lies elsewhere.
struct OwnFolders: Sendable {
  /// Where the program starts.
  let work: String
  /// All that are shown, without links.
  let all: [String]

  /// - Parameter program: with links resolved.
  init(_ manifest: Manifest, program: String) {
    let folder = Files.folder(of: program)
    guard Files.isFile(manifest.file), let home = try? Files.resolve(Files.folder(of: manifest.file)),
      !Files.contains(home, folder)
    else {
      (work, all) = (folder, [folder])
      return
    }
    work = home
    all = Files.contains("/usr", folder) ? [home] : [home, folder]
  }

  /// Why an agent may not see one of them, as a predicate that follows its path; nil when it may.
  /// - Parameters:
  ///   - hasData: whether it has a folder for data.
  ///   - hidden: files and folders of the daemon.
  func problem(hasData: Bool = false, hidden: [String]) -> (folder: String, why: String)? {
    for folder in all {
      let parts = Files.parts(of: folder)
      if ["dev", "proc", "sys"].contains(parts.first) { return (folder, "is the system's, and no agent may see it") }
      if parts.count < 2 || ["/var/tmp", "/var/lib"].contains(folder) {
        return (folder, "has more in it than the agent, which would see it all: give the agent a folder of its own")
      }
      if hasData, Files.contains(DataFolders.mount, folder) {
        return (folder, "lies where the agent would find its folder for data (permissions.data): move the agent")
      }
      // A folder inside the daemon's home may be an agent's; no other part of the home is shown with it.
      if hidden.contains(where: { Files.resolveExisting($0) == folder }) {
        return (folder, "belongs to the daemon, and no agent may see it: move the agent")
      }
    }
    return nil
  }
}
