import CSodium
import Config
import Document
import Glibc
import Linux
import Model
import Plugins

/// Makes keys, and signs plugins: for their authors.
package enum Signing {
  /// Makes a pair of keys: `<file>`, which is secret, and `<file>.pub`.
  /// - Throws: if one of them exists.
  /// - Returns: the public key in Base64.
  package static func makeKeys(_ file: String) throws(PluginError) -> String {
    _ = sodium_init()
    for path in [file, "\(file).pub"] where Files.hasEntry(path) {
      throw PluginError("\(path) exists: choose another name")
    }
    let keys = Signature.makeKeys()
    guard !file.isEmpty else { throw PluginError("the key needs a file name") }
    do throws(SystemError) {
      try Files.replace(file, with: KeyFile.contents(KeyFile.secretLabel, keys.seed), mode: 0o600)
      try Files.replace("\(file).pub", with: KeyFile.contents(KeyFile.publicLabel, keys.publicKey), mode: 0o644)
    } catch {
      throw PluginError(error)
    }
    return Base64.text(keys.publicKey)
  }

  /// Signs the plugin in a folder: writes `integrity` into its plugin.json.
  /// - Parameter file: the secret key of `makeKeys`.
  /// - Returns: the plugin.
  package static func sign(_ folder: String, with file: String) throws(PluginError) -> PluginManifest {
    _ = sodium_init()
    let seed = try seed(file)
    guard Files.isFolder(folder) else { throw PluginError("\(folder) is not a folder", .notFound) }
    // What an installation would refuse must not be signed.
    var names = EntryNames()
    for file in try Tree.files(folder, hidden: false) {
      _ = try names.add(Array(file.path.utf8), isFolder: false, mode: 0)
    }
    _ = try PluginFolder.manifest(folder)
    let (signature, key) = Signature.sign(try Digest(of: folder, hidden: false).sha512, seed: seed)
    let path = "\(folder)/\(PluginManifest.fileName)"
    do {
      guard case .map(var fields) = try JSON.decode(try Files.read(path)[...]) else {
        throw PluginError("\(path) is not a JSON object")
      }
      fields["integrity"] = [
        "algorithm": .string(PluginManifest.Hash.sha512.rawValue), "signature": .string(Base64.text(signature)),
        "publicKey": .string(Base64.text(key)),
      ]
      try Files.replace(path, with: JSON.encode(.map(fields), pretty: true) + [10], mode: 0o644)
    } catch let error as PluginError {
      throw error
    } catch {
      throw PluginError("\(error)")
    }
    return try PluginFolder.manifest(folder)
  }

  private static func seed(_ file: String) throws(PluginError) -> [UInt8] {
    do {
      guard Files.exists(file) else { throw PluginError("\(file): no such file", .notFound) }
      let status = try FileStatus(file)
      guard status.mode & 0o077 == 0 else {
        throw PluginError("\(file) can be read by others: 'chmod 600 \(file)', and make a new key if it was copied")
      }
      return try KeyFile.read(file, KeyFile.secretLabel, "a secret key: 'openstarry plugin key FILE' makes one")
    } catch let error as PluginError {
      throw error
    } catch {
      throw PluginError("\(error)")
    }
  }
}
