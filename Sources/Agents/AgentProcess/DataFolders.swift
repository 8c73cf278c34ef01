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

  /// The folder in which they lie. No agent may see it.
  let path: String

  /// - Parameters:
  ///   - path: nil for the usual one.
  ///   - home: `$OPENSTARRY_HOME`, in which they lie if the launcher runs as the daemon's user.
  init(_ path: String?, home: String, _ launcher: LauncherLink) {
    self.path = path ?? (launcher.hasOwnUser ? Self.usual : "\(home)/data")
  }

  /// The folder of a manifest's agent; nil when it asks for none.
  func folder(of manifest: Manifest) -> String? {
    manifest.permissions.data == nil ? nil : "\(path)/\(manifest.id)"
  }
}
