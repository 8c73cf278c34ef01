import Model

/// The trailer of a file with compiled code: hashes of module, engine and configuration, and an HMAC over them and the code.
/// Only the owner of the secret can create it.
///
/// It is a trailer, not a header, because the engine maps the whole file and ignores bytes after the code.
struct Seal: Equatable, Sendable {
  private static let magic = Array("OPENSTARRY WASM ARTEFACT 2\n\0\0\0\0\0".utf8)
  static let size = 32 * 4

  /// SHA-256 of the module.
  let module: [UInt8]
  /// SHA-256 of the key: engine, configuration, machine.
  let key: [UInt8]

  init(module: [UInt8], key: String) {
    self.module = SHA256.hash(module)
    self.key = SHA256.hash(key.utf8)
  }

  /// The bytes of the seal.
  /// - Parameters:
  ///   - code: SHA-256 of the code.
  ///   - secret: the secret of the folder.
  func bytes(code: [UInt8], secret: [UInt8]) -> [UInt8] {
    let about = Self.magic + module + key
    return about + SHA256.keyed(secret, about + code)
  }

  /// The file's name.
  var name: String { "\(SHA256.text(module + key).prefix(32)).cwasm" }
}
