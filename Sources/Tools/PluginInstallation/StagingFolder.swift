import Glibc
import Linux
import Plugins

/// A folder in which a plugin is assembled before it is renamed to its place. It is removed unless it is kept.
///
/// It is in the folder of all plugins, so that renaming it is atomic; its name begins with a dot, so that no reference means
/// it. What an installation left that was cut off is removed by the next one.
package final class StagingFolder {
  private static let prefix = ".installing-"

  /// The folder's path.
  package let path: String
  private var names = EntryNames()
  private var isKept = false

  /// Makes the folder.
  /// - Parameter plugins: the folder of all plugins, which exists.
  package init(in plugins: String) throws(PluginError) {
    for left in (try? Files.names(in: plugins)) ?? [] where left.hasPrefix(Self.prefix) {
      Tree.remove("\(plugins)/\(left)")
    }
    path = "\(plugins)/\(Self.prefix)\(getpid())"
    do throws(SystemError) { try Files.makeFolder(path, mode: 0o755) } catch { throw PluginError(error) }
  }

  deinit { if !isKept { Tree.remove(path) } }

  /// Adds a folder.
  func addFolder(_ name: [UInt8], mode: UInt32) throws(PluginError) {
    guard let path = try names.add(name, isFolder: true, mode: mode) else { return }
    do throws(SystemError) { try Files.makeFolder("\(self.path)/\(path)", mode: 0o755) } catch {
      throw PluginError(error)
    }
  }

  /// Adds a file.
  /// - Parameter next: called until it returns an empty block or throws; its blocks are the file's content.
  func addFile(
    _ name: [UInt8], mode: UInt32, _ next: () throws(PluginError) -> [UInt8]
  ) throws(PluginError) {
    guard let path = try names.add(name, isFolder: false, mode: mode) else {
      throw EntryNames.refuse(String(decoding: name, as: UTF8.self), "it has no name")
    }
    let place = "\(self.path)/\(path)"
    do {
      try Files.makeFolder(Files.folder(of: place), mode: 0o755)
      // O_EXCL and O_NOFOLLOW: nothing there may be written through.
      let file = try System.open(place, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o644)
      while true {
        let block = try next()
        if block.isEmpty { break }
        try names.add(bytes: block.count, of: path)
        try System.writeAll(file.number, block)
      }
      guard fchmod(file.number, mode & 0o111 == 0 ? 0o644 : 0o755) == 0 else { throw SystemError("fchmod", place) }
      guard System.retry({ fsync(file.number) }) == 0 else { throw SystemError("fsync", place) }
    } catch let error as PluginError {
      throw error
    } catch let error as SystemError {
      throw PluginError(error)
    } catch {
      throw PluginError("\(error)")
    }
  }

  /// The bytes added so far.
  var size: Int { names.total }

  /// The folder with the plugin's manifest: this one, or the only folder in it, as many archives have one. Hidden entries at
  /// its top, such as `.git`, are removed: they are not signed either.
  /// - Throws: that there is no manifest.
  package func root() throws(PluginError) -> String {
    let root = try top()
    for name in (try? Files.names(in: root)) ?? [] where name.hasPrefix(".") { Tree.remove("\(root)/\(name)") }
    return root
  }

  private func top() throws(PluginError) -> String {
    if Files.isFile("\(path)/\(PluginManifest.fileName)") { return path }
    let entries = ((try? Files.names(in: path)) ?? []).filter { !$0.hasPrefix(".") }
    if entries.count == 1, Files.isFile("\(path)/\(entries[0])/\(PluginManifest.fileName)") {
      return "\(path)/\(entries[0])"
    }
    throw PluginError("it has no \(PluginManifest.fileName) at its top: is it a plugin?")
  }

  /// Moves the plugin to its place, on the disk.
  /// - Parameters:
  ///   - root: `root()`.
  ///   - place: where nothing is yet.
  func keep(_ root: String, as place: String) throws(PluginError) {
    do {
      for folder in try Tree.folders(root) { try Files.synchronise(folder) }
      try Files.makeFolder(Files.folder(of: place), mode: 0o755)
      try Files.move(root, to: place)
    } catch {
      throw PluginError("\(error)")
    }
    if root == path { isKept = true }
  }
}
