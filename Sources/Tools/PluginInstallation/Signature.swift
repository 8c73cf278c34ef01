import CSodium
import Plugins

/// Signatures by ed25519 (RFC 8032), by libsodium.
enum Signature {
  /// The length of a public key in bytes.
  static let publicKeySize = 32

  /// Whether a signature of `message` is valid.
  /// - Parameters:
  ///   - signature: 64 bytes; any other length is invalid.
  ///   - key: 32 bytes; any other length is invalid.
  static func isValid(_ signature: [UInt8], of message: [UInt8], by key: [UInt8]) -> Bool {
    guard signature.count == 64, key.count == publicKeySize else { return false }
    // SAFETY: the lengths are those that libsodium reads.
    return unsafe crypto_sign_ed25519_verify_detached(signature, message, UInt64(message.count), key) == 0
  }

  /// A new pair of keys.
  /// - Returns: the seed, which is secret, of 32 bytes, and the public key.
  static func makeKeys() -> (seed: [UInt8], publicKey: [UInt8]) {
    var seed = [UInt8](repeating: 0, count: 32)
    // SAFETY: libsodium writes the buffer's size.
    unsafe seed.withUnsafeMutableBytes { unsafe randombytes_buf($0.baseAddress!, $0.count) }
    return (seed, keys(seed).publicKey)
  }

  /// Signs a message.
  /// - Parameter seed: of `makeKeys`, 32 bytes.
  /// - Returns: the signature and the public key.
  static func sign(_ message: [UInt8], seed: [UInt8]) -> (signature: [UInt8], publicKey: [UInt8]) {
    let (secret, publicKey) = keys(seed)
    var signature = [UInt8](repeating: 0, count: 64)
    // SAFETY: libsodium writes 64 bytes, and reads a secret key of 64 bytes.
    _ = unsafe crypto_sign_ed25519_detached(&signature, nil, message, UInt64(message.count), secret)
    return (signature, publicKey)
  }

  private static func keys(_ seed: [UInt8]) -> (secret: [UInt8], publicKey: [UInt8]) {
    precondition(seed.count == 32)
    var publicKey = [UInt8](repeating: 0, count: publicKeySize)
    var secret = [UInt8](repeating: 0, count: 64)
    // SAFETY: libsodium reads 32 bytes, and writes 32 and 64.
    _ = unsafe crypto_sign_ed25519_seed_keypair(&publicKey, &secret, seed)
    return (secret, publicKey)
  }
}
