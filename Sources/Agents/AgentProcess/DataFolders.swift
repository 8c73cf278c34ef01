import Agent
import LauncherClient
import Linux
import Model

/// The folders that agents may write to (`permissions.data`), one for each. They stay when agents end, and are gone when
/// somebody removes them. They belong to the launcher's user.
struct DataFolders: Sendable {
  /// Where an agent sees its folder.
  static let mount = "/data"
  /// The variable that tells it.
  static let variable = "OPENSTARRY_DATA=\(mount)"
  /// Where they lie if the launcher's user is not the daemon's.
  static let usual = "/var/lib/openstarry-data"

  /// The folder in which they lie, absolute. No agent may see it.
  let path: String

  /// - Parameters:
  ///   - path: nil for the usual one.
  ///   - home: `$OPENSTARRY_HOME`, in which they lie if the launcher runs as the daemon's user.
  init(_ path: String?, home: String, _ launcher: LauncherLink) {
    let path = path ?? (launcher.hasOwnUser ? Self.usual : "\(home)/data")
    // Settings name their home relative to a folder; the launcher may run in another one.
    self.path = Files.join(Files.resolveExisting("."), path)
  }

  /// - Throws: when an agent asks for a folder and the launcher could not make one.
  func check(_ manifest: Manifest) throws(AgentFailure) {
    guard manifest.permissions.data != nil, path == Self.usual, !Files.isFolder(path) else { return }
    throw AgentFailure(
      .startFailed,
      "agent '\(manifest.id)' asks for a folder (permissions.data), and there is no \(path): the package makes it; "
        + "without the package: sudo install -d -m 700 -o USER \(path), where USER is openstarry-agents, or nobody if "
        + "there is no such user")
  }

  /// The folder of a manifest's agent; nil when it asks for none.
  func folder(of manifest: Manifest) -> String? {
    manifest.permissions.data == nil ? nil : "\(path)/\(manifest.id)"
  }
}
