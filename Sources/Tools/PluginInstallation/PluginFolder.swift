import CSodium
import Config
import Glibc
import Linux
import Model
import Plugins

/// The folder of all plugins: installs, verifies and removes them.
///
/// At any moment a plugin is there as a whole or not at all, also after a power cut: it is assembled elsewhere, recorded in
/// the lock file, and then renamed to its place.
package struct PluginFolder {
  /// The folder's path.
  package let path: String
  let allowsUnsigned: Bool
  let unpacker: String?
  var lockFile: String { "\(path)/lock.json" }
  var store: PluginStore { PluginStore(folder: path) }

  /// - Parameters:
  ///   - path: the folder of all plugins; it is made with the first plugin.
  ///   - allowsUnsigned: the setting `unsigned_plugins`.
  ///   - unpacker: the path of `openstarry-unpack`; nil looks for it beside this program.
  package init(_ path: String, allowsUnsigned: Bool, unpacker: String? = nil) {
    self.path = path
    self.allowsUnsigned = allowsUnsigned
    self.unpacker = unpacker ?? CompanionProgram.find(ArchiveSource.program)
    // Harmless when it is repeated.
    _ = sodium_init()
  }

  /// The greatest length of a manifest in bytes.
  static let longestManifest = 1 << 20

  /// Reads the manifest of the plugin in a folder.
  /// - Parameter source: what errors name, if it is not the folder.
  package static func manifest(_ folder: String, from source: String? = nil) throws(PluginError) -> PluginManifest {
    let shown = "\(source ?? folder)/\(PluginManifest.fileName)"
    let file = "\(folder)/\(PluginManifest.fileName)"
    let bytes: [UInt8]
    do throws(SystemError) { bytes = try Files.read(file, limit: longestManifest) } catch {
      throw PluginError("\(shown) cannot be read: \(SystemError.text(error.errno))")
    }
    do { return try PluginFile.decode(bytes, file: shown).manifest } catch {
      throw PluginError(error.all.map { "\($0)" }.joined(separator: "\n"))
    }
  }

  func listing(_ folder: String) -> String { "\(path)/.listings/\(folder)" }

  func prepare() throws(PluginError) {
    let isNew = !Files.exists(path)
    do throws(SystemError) { try Files.makeFolder(path, mode: 0o755) } catch { throw PluginError(error) }
    if isNew { Files.setMode(path, 0o755) }
    try judge()
  }

  /// Nobody else may be able to exchange what is read or removed here.
  func judge() throws(PluginError) {
    do throws(TrustError) {
      _ = try TrustedFolder(path)
      for name in [".listings", "keys"] where Files.hasEntry("\(path)/\(name)") {
        _ = try TrustedFolder("\(path)/\(name)", mayBeLink: false)
      }
    } catch {
      throw PluginError("\(error): run this as the folder's owner, or make the folder safe", .denied)
    }
  }

  func write(_ bytes: [UInt8], to file: String) throws(PluginError) {
    do throws(SystemError) {
      try Files.makeFolder(Files.folder(of: file), mode: 0o755)
      try Files.replace(file, with: bytes, mode: 0o644)
    } catch {
      throw PluginError(error)
    }
  }

  /// Waits for other commands that change plugins.
  /// - Returns: the lock; it ends with its owner.
  func exclusively() throws(PluginError) -> PluginFolderLock {
    do throws(SystemError) { return try PluginFolderLock("\(path)/.lock") } catch { throw PluginError(error) }
  }
}

/// Holds flock(2) on a file.
final class PluginFolderLock {
  private let file: Int32

  init(_ path: String) throws(SystemError) {
    let file = try System.open(path, O_RDWR | O_CREAT | O_NOFOLLOW, mode: 0o644)
    guard System.retry({ flock(file.number, LOCK_EX) }) == 0 else { throw SystemError("flock", path) }
    self.file = file.release()
  }

  deinit { close(file) }
}
