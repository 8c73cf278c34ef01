import Linux
import Model
import Plugins

/// The public keys whose signatures are accepted: files `keys/<name>.pub` in the folder of all plugins.
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
    do throws(SystemError) {
      try Files.makeFolder(folder, mode: 0o755)
      try Files.replace("\(folder)/\(name).pub", with: KeyFile.contents(KeyFile.publicLabel, key), mode: 0o644)
    } catch {
      throw PluginError(error)
    }
  }

  /// Trusts a key no longer.
  /// - Returns: false if no key has this name.
  func remove(_ name: String) -> Bool {
    guard AgentID(name).isWellFormed, Files.isFile("\(folder)/\(name).pub") else { return false }
    return Files.remove("\(folder)/\(name).pub")
  }

  /// The public key in a file of `openstarry plugin key`: `openstarry-public-key` and the key in Base64.
  static func key(inFile path: String) throws(PluginError) -> [UInt8] {
    try KeyFile.read(
      path, KeyFile.publicLabel, "a public key, which 'openstarry plugin key' writes into a file that ends in .pub")
  }
}

/// Files with one key: a label, so that a secret key is never taken for a public one, and the key in Base64.
enum KeyFile {
  static let publicLabel = "openstarry-public-key"
  static let secretLabel = "openstarry-secret-key"

  static func contents(_ label: String, _ key: [UInt8]) -> [UInt8] { Array("\(label) \(Base64.text(key))\n".utf8) }

  /// - Parameter expected: what the file should be, for the error.
  static func read(_ path: String, _ label: String, _ expected: String) throws(PluginError) -> [UInt8] {
    let bytes: [UInt8]
    do throws(SystemError) { bytes = try Files.read(path, limit: 4096) } catch {
      let why = PluginError(error)
      throw PluginError(
        "\(path) cannot be read: \(SystemError.text(error.errno))", error.isMissing ? .notFound : why.kind)
    }
    let words = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isWhitespace).map(String.init)
    guard words.count == 2, words[0] == label, let key = Base64.bytes(words[1]), key.count == 32 else {
      throw PluginError("\(path) is not \(expected)")
    }
    return key
  }
}
