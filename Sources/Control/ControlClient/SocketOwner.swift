import Glibc
import Linux

/// The type and the owners of the file at the daemon's socket path.
enum SocketOwner {
  /// Whether the file at `path` is not a socket. connect(2) fails with ECONNREFUSED for it, as for a socket without a
  /// listener.
  static func isSomethingElse(_ path: String) -> Bool {
    status(path).map { $0.st_mode & 0o170000 != 0o140000 } ?? false
  }

  /// The name of the group of the file at `path`; nil for group 0 and when it cannot be determined.
  static func group(of path: String) -> String? {
    guard let number = status(path)?.st_gid, number != 0 else { return nil }
    return Accounts.ofThisMachine().groupName(number)
  }

  /// The users who can redirect `path`: the owners of symbolic links among its folders, of the file itself, and of its
  /// target. Empty if the file does not exist.
  static func users(of path: String) -> [UInt32] {
    guard let target = status(path)?.st_uid else { return status(path, followsLinks: false).map { [$0.st_uid] } ?? [] }
    var users: [UInt32] = []
    for end in path.indices.filter({ path[$0] == "/" && $0 != path.startIndex }) {
      guard let part = status(String(path[..<end]), followsLinks: false), part.st_mode & 0o170000 == 0o120000 else {
        continue
      }
      users.append(part.st_uid)
    }
    if let name = status(path, followsLinks: false) { users.append(name.st_uid) }
    return users + [target]
  }

  private static func status(_ path: String, followsLinks: Bool = true) -> stat? {
    var status = stat()
    // SAFETY: the kernel fills in the structure.
    let result = unsafe path.withCString { unsafe followsLinks ? stat($0, &status) : lstat($0, &status) }
    return result == 0 ? status : nil
  }
}
