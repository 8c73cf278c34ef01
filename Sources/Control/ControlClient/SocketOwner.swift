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

  /// The longest chain of symbolic links that the kernel follows (path_resolution(7)).
  private static let longestChain = 40

  /// Everybody who has a say in where `path` leads.
  /// - Returns: the owners of the folders and symbolic links on the way, also on the way that links lead, and the owner
  ///   of the file at the end. Without a file, nil and only the owners of the links.
  static func users(of path: String) -> (way: [UInt32], file: UInt32?) {
    var (way, linkers): ([UInt32], [UInt32]) = ([], [])
    var place = Files.isAbsolute(path) ? "/" : "."
    var rest = Files.parts(of: path).map { String($0) }[...]
    while let part = rest.popFirst() {
      let next = Files.join(place, part)
      guard linkers.count <= longestChain, let owner = status(next, followsLinks: false)?.st_uid else { break }
      if let target = Files.target(ofLink: next) {
        way.append(owner)
        linkers.append(owner)
        if Files.isAbsolute(target) { place = "/" }
        rest = (Files.parts(of: target).map { String($0) } + rest)[...]
      } else if rest.isEmpty {
        return (way, owner)
      } else {
        way.append(owner)
        place = next
      }
    }
    return (linkers, nil)
  }

  private static func status(_ path: String, followsLinks: Bool = true) -> stat? {
    var status = stat()
    // SAFETY: the kernel fills in the structure.
    let result = unsafe path.withCString { unsafe followsLinks ? stat($0, &status) : lstat($0, &status) }
    return result == 0 ? status : nil
  }
}
