import Glibc
import Linux
import Plugins

/// A plugin as a folder, such as a checkout.
enum FolderSource {
  /// Copies everything but hidden entries at the top, such as `.git`.
  /// - Throws: for symbolic links and special files, with the entry's name.
  static func copy(_ folder: String, to staging: StagingFolder) throws(PluginError) {
    try Tree.walk(folder, "") { (path, kind, mode) throws(PluginError) in
      if path.hasPrefix(".") { return }
      let name = Array(path.utf8)
      switch kind {
      case .folder: try staging.addFolder(name, mode: mode)
      case .other: throw EntryNames.refuse(path, "it is neither a file nor a folder; links are not followed")
      case .regular:
        let file: Descriptor
        do throws(SystemError) { file = try System.open("\(folder)/\(path)", O_RDONLY | O_NOFOLLOW | O_NONBLOCK) } catch
        {
          throw PluginError(error)
        }
        let number = file.number
        try staging.addFile(name, mode: mode) { () throws(PluginError) in
          var block: [UInt8] = []
          do { _ = try System.read(number, into: &block) } catch { throw PluginError("\(path): \(error)") }
          return block
        }
      }
    }
  }
}
