import Glibc
import Linux

/// Keeps an installed plugin from being removed: a shared lock (flock(2)) on its folder, which ends with this object, and with
/// the process whatever its end.
package final class PluginUse: Sendable, Hashable {
  private let folder: Descriptor

  /// - Parameter exclusively: to remove the plugin: nobody else may use it then.
  /// - Returns: nil if the plugin is being removed, or is gone; `exclusively` also if somebody uses it.
  package init?(_ path: String, exclusively: Bool = false) {
    guard let folder = try? System.open(path, O_RDONLY | O_DIRECTORY),
      System.retry({ flock(folder.number, (exclusively ? LOCK_EX : LOCK_SH) | LOCK_NB) }) == 0
    else { return nil }
    self.folder = folder
  }

  package static func == (left: PluginUse, right: PluginUse) -> Bool { left === right }
  package func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}
