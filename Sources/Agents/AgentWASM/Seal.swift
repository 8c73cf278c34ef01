/// What stands behind compiled code in its file: for which module, engine and configuration it is, and a hash of all that
/// and of the code under the secret of whoever made it, so that nobody else can make one.
///
/// At the end, not at the beginning, since the engine maps the file as it is and ignores what follows.
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

  /// What stands behind code.
  /// - Parameters:
  ///   - code: SHA-256 of it.
  ///   - secret: of the folder that the file is in.
  func bytes(code: [UInt8], secret: [UInt8]) -> [UInt8] {
    let about = Self.magic + module + key
    return about + SHA256.keyed(secret, about + code)
  }

  /// The file's name.
  var name: String { "\(SHA256.text(module + key).prefix(32)).cwasm" }
}
