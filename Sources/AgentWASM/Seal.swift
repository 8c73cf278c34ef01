/// What stands behind compiled code in its file: for which module, engine and configuration it is, and its hash.
///
/// At the end, not at the beginning, since the engine maps the file as it is and ignores what follows.
struct Seal: Equatable {
  private static let magic = Array("OPENSTARRY WASM ARTEFACT 1\n\0\0\0\0\0".utf8)
  static let size = 32 * 4

  /// SHA-256 of the module.
  var module: [UInt8]
  /// SHA-256 of the key: engine, configuration, machine.
  var key: [UInt8]

  init(module: [UInt8], key: String) {
    self.module = SHA256.hash(module)
    self.key = SHA256.hash(key.utf8)
  }

  /// The file's contents for `code`.
  func seal(_ code: [UInt8]) -> [UInt8] { code + Self.magic + module + key + SHA256.hash(code) }

  /// Whether a file's contents are what `seal` made: whole, unchanged, and for this module and key.
  func holds(_ file: [UInt8]) -> Bool {
    guard file.count > Self.size else { return false }
    let code = file.dropLast(Self.size)
    return Array(file.suffix(Self.size)) == Self.magic + module + key + SHA256.hash(code)
  }

  /// The file's name.
  var name: String { "\(SHA256.text(module + key).prefix(32)).cwasm" }
}
