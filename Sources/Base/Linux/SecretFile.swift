import CLinux
import Glibc

/// A random key in a file that only this process's user can read; generated on first use.
package enum SecretFile {
  /// The length of a key in bytes.
  package static let size = 32

  /// The key in a file.
  /// - Parameters:
  ///   - name: the file's name.
  ///   - folder: the file's folder; others must not be able to write to it.
  /// - Returns: the stored key; a new one if the file is missing, has another size, or is readable by others.
  /// - Throws: when a new key cannot be written.
  package static func key(_ name: String, in folder: TrustedFolder) throws(SystemError) -> [UInt8] {
    if let key = read(name, in: folder) { return key }
    var random = SystemRandomNumberGenerator()
    let key = (0..<size).map { _ in UInt8.random(in: .min ... .max, using: &random) }
    let path = Files.join(folder.path, name)
    let draft = "\(path).\(String(random.next(), radix: 16))"
    try Files.replace(draft, with: key, mode: 0o600)
    defer { Files.remove(draft) }
    // link(2) fails if the file exists: of two processes that race here, both use the first one's key.
    func link() -> Bool {
      unsafe draft.withCString { draft in unsafe path.withCString { path in unsafe Glibc.link(draft, path) } } == 0
    }
    if link() { return key }
    guard errno == EEXIST else { throw SystemError("make key", path) }
    if let other = read(name, in: folder) { return other }
    Files.remove(path)
    guard link() else { throw SystemError("make key", path) }
    return key
  }

  private static func read(_ name: String, in folder: TrustedFolder) -> [UInt8]? {
    guard let file = folder.open(name), let status = try? FileStatus(of: file.number), status.mode & 0o077 == 0,
      status.size == UInt64(size), let key = try? Beneath.bytes(file.number, at: 0, limit: size), key.count == size
    else { return nil }
    return key
  }
}
