import Glibc
import Linux

/// What the file at the daemon's socket is, and who owns it.
enum SocketOwner {
  /// Whether something is at `path` that is no socket: connect(2) refuses that as it does a socket without a listener.
  static func isSomethingElse(_ path: String) -> Bool {
    var status = stat()
    // SAFETY: the kernel fills in the structure.
    return unsafe path.withCString({ unsafe stat($0, &status) }) == 0 && status.st_mode & 0o170000 != 0o140000
  }

  /// The name of the group that the file at `path` belongs to; nil when it cannot be told.
  static func group(of path: String) -> String? {
    var status = stat()
    // SAFETY: the kernel fills in the structure.
    guard unsafe path.withCString({ unsafe stat($0, &status) }) == 0, status.st_gid != 0,
      let file = try? Files.read("/etc/group", limit: 1 << 20)
    else { return nil }
    for line in String(decoding: file, as: UTF8.self).split(separator: "\n") {
      let parts = line.split(separator: ":", omittingEmptySubsequences: false)
      if parts.count >= 3, UInt32(parts[2]) == status.st_gid { return String(parts[0]) }
    }
    return nil
  }
}
