import Glibc
import Linux

/// What the file at the daemon's socket is, and who owns it.
enum SocketOwner {
  /// Whether something is at `path` that is no socket: connect(2) refuses that as it does a socket without a listener.
  static func isSomethingElse(_ path: String) -> Bool {
    status(path).map { $0.st_mode & 0o170000 != 0o140000 } ?? false
  }

  /// The name of the group that the file at `path` belongs to; nil when it cannot be told.
  static func group(of path: String) -> String? {
    guard let number = status(path)?.st_gid, number != 0 else { return nil }
    return Accounts.ofThisMachine().groupName(number)
  }

  /// Whose the name at `path` is, and what it leads to: two when it is a symbolic link; and whose the links are that stand
  /// on the way to it. Empty when nothing is there.
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
