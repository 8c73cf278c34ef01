import Linux
import Model
import Plugins

/// The public keys whose signatures are accepted: files `keys/<name>.pub` in the folder of all plugins, with the key in
/// Base64.
struct TrustedKeys {
  private let folder: String

  /// - Parameter plugins: the folder of all plugins.
  init(plugins: String) { folder = "\(plugins)/keys" }

  /// The keys by name. Files that do not contain a key are left out.
  func all() -> [(name: String, key: [UInt8])] {
    ((try? Files.names(in: folder)) ?? []).compactMap { file in
      guard file.hasSuffix(".pub"), let key = try? Self.key(inFile: "\(folder)/\(file)") else { return nil }
      return (String(file.dropLast(4)), key)
    }
  }

  /// The name of a key; nil if it is not trusted.
  func name(of key: [UInt8]) -> String? { all().first { $0.key == key }?.name }

  /// Trusts a key from now on.
  /// - Parameters:
  ///   - name: a well-formed id.
  ///   - key: 32 bytes.
  /// - Throws: if the name is used for another key, or the file cannot be written.
  func add(_ name: String, _ key: [UInt8]) throws(PluginError) {
    guard AgentID(name).isWellFormed else {
      throw PluginError("'\(name)' cannot be the name of a key, expected letters, digits, '.', '_' and '-'")
    }
    if let other = all().first(where: { $0.name == name }), other.key != key {
      throw PluginError("another key is trusted as '\(name)': choose another name, or remove \(folder)/\(name).pub")
    }
    do {
      try Files.makeFolder(folder, mode: 0o755)
      try Files.replace("\(folder)/\(name).pub", with: Array("\(Base64.text(key))\n".utf8), mode: 0o644)
    } catch {
      throw PluginError("\(error)")
    }
  }

  /// Trusts a key no longer.
  /// - Returns: false if no key has this name.
  func remove(_ name: String) -> Bool {
    guard AgentID(name).isWellFormed, Files.isFile("\(folder)/\(name).pub") else { return false }
    return Files.remove("\(folder)/\(name).pub")
  }

  /// The public key in a file of one line in Base64.
  static func key(inFile path: String) throws(PluginError) -> [UInt8] {
    let bytes: [UInt8]
    do { bytes = try Files.read(path, limit: 4096) } catch {
      throw PluginError("\(path) cannot be read: \(SystemError.text(error.errno))")
    }
    let text = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isWhitespace).first.map(String.init)
    guard let key = text.flatMap(Base64.bytes), key.count == Signature.publicKeySize else {
      throw PluginError("\(path) is not a public key: expected the 32 bytes of an ed25519 key in Base64, one line")
    }
    return key
  }
}
