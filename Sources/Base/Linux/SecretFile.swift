import CLinux
import Glibc

/// A random key in a file that nobody else can read; made when it is first asked for.
public enum SecretFile {
  /// Bytes of a key.
  public static let size = 32

  /// The key in a file.
  /// - Parameters:
  ///   - name: of the file.
  ///   - folder: where it is; one that others could write to has no secrets.
  /// - Returns: what is there, or a new key where there is none, or none that is fit: not of that size, or readable by others.
  public static func key(_ name: String, in folder: TrustedFolder) throws(SystemError) -> [UInt8] {
    if let key = read(name, in: folder) { return key }
    var random = SystemRandomNumberGenerator()
    let key = (0..<size).map { _ in UInt8.random(in: .min ... .max, using: &random) }
    let path = Files.join(folder.path, name)
    let draft = "\(path).\(String(random.next(), radix: 16))"
    try Files.replace(draft, with: key, mode: 0o600)
    defer { Files.remove(draft) }
    // Of two processes that make one at once, both go on with that of the first (link(2)).
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
