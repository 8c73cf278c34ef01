import CLinux
import Glibc

/// A folder whose files are trusted: only root and this process's user can write to it, or replace it or a folder above
/// it.
package final class TrustedFolder: Sendable {
  /// The path, with symbolic links resolved.
  package let path: String
  private let descriptor: Descriptor

  /// Opens the folder; makes it, with mode 700, if it does not exist.
  /// - Parameters:
  ///   - mayBeLink: whether the folder itself may be a symbolic link; those above it may be.
  ///   - accounts: the members of groups; nil reads the machine's files if they are needed.
  /// - Throws: `foreign` or `writable` when another user could write there, `link` for a link that may not be one,
  ///   `system` when it cannot be opened.
  package init(_ path: String, mayBeLink: Bool = true, accounts: Accounts? = nil) throws(TrustError) {
    if !mayBeLink, Files.target(ofLink: path) != nil { throw .link(path) }
    do throws(SystemError) {
      try Files.makeFolder(path, mode: 0o700)
      self.path = try Files.resolve(path)
      descriptor = try System.open(self.path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
    } catch {
      throw .system(error)
    }
    let trust = Trust(user: geteuid(), accounts: accounts)
    try trust.judge(above: path, resolved: self.path)
    try trust.judge(self.path, Self.status(of: descriptor.number), isShared: false)
  }

  /// Judges a folder that another process uses, and whose owner is trusted; changes nothing.
  /// - Parameter accounts: the members of groups; nil reads the machine's files if they are needed.
  /// - Throws: as `init`; ENOENT when it does not exist.
  package static func judge(_ path: String, accounts: Accounts? = nil) throws(TrustError) {
    let (resolved, folder): (String, FileStatus)
    do throws(SystemError) {
      resolved = try Files.resolve(path)
      folder = try FileStatus(resolved)
    } catch {
      throw .system(error)
    }
    let trust = Trust(user: folder.owner, accounts: accounts)
    try trust.judge(above: path, resolved: resolved)
    try trust.judge(resolved, folder, isShared: false)
  }

  /// Opens a file of the folder for reading.
  /// - Returns: nil when it does not exist or is not trusted: a link, not a regular file, or writable by others.
  package func open(_ name: String) -> Descriptor? {
    let number = System.retry {
      unsafe name.withCString {
        unsafe openstarry_openat(descriptor.number, $0, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0)
      }
    }
    guard let file = try? Descriptor(checking: number, "open", name), let status = try? FileStatus(of: file.number),
      status.kind == .regular, status.owner == geteuid() || status.owner == 0, status.mode & 0o022 == 0
    else { return nil }
    return file
  }

  fileprivate static func status(of path: String) throws(TrustError) -> FileStatus {
    do throws(SystemError) { return try FileStatus(path) } catch { throw .system(error) }
  }

  private static func status(of descriptor: Int32) throws(TrustError) -> FileStatus {
    do throws(SystemError) { return try FileStatus(of: descriptor) } catch { throw .system(error) }
  }
}

/// Whom a folder's owner trusts: itself and root.
private struct Trust {
  let user: UInt32
  let accounts: Accounts?

  /// Judges the parents of a folder, and also the folders that contain a symbolic link of its path.
  func judge(above path: String, resolved: String) throws(TrustError) {
    for path in path == resolved ? [path] : [resolved, path] {
      var folder = Files.isAbsolute(path) ? "/" : "."
      try judge(folder, TrustedFolder.status(of: folder), isShared: true)
      for part in Files.parts(of: path) {
        folder = Files.join(folder, String(part))
        try judge(folder, TrustedFolder.status(of: folder), isShared: true)
      }
    }
  }

  /// - Parameter isShared: whether others may write there if the sticky bit keeps them from renaming and removing files
  ///   that are not theirs (inode(7)). That is enough for parents, but not for the folder itself: others could add
  ///   files.
  func judge(_ path: String, _ status: FileStatus, isShared: Bool) throws(TrustError) {
    guard status.owner == 0 || status.owner == user else { throw .foreign(path, owner: status.owner) }
    if status.mode & 0o022 == 0 || isShared && status.mode & 0o1000 != 0 { return }
    guard status.mode & 0o002 == 0 else { throw .writable(path, by: "everyone") }
    let accounts = accounts ?? .ofThisMachine()
    if accounts.isAlone(user, in: status.group) { return }
    let group = accounts.groupName(status.group).map { "'\($0)'" } ?? "\(status.group)"
    throw .writable(path, by: "the group \(group)")
  }
}

/// Why a folder is not trusted.
package enum TrustError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The folder at this path belongs to another user.
  case foreign(String, owner: UInt32)
  /// Others can write to the folder at this path.
  case writable(String, by: String)
  /// The folder at this path is a symbolic link, and must not be one.
  case link(String)
  /// The folder cannot be made, opened or examined.
  case system(SystemError)

  package var description: String {
    switch self {
    case .foreign(let path, let owner): "\(path) belongs to user \(owner)"
    case .writable(let path, let others): "\(path) is writable by \(others)"
    case .link(let path): "\(path) is a symbolic link"
    case .system(let error): error.description
    }
  }

  /// Advice for the user; nil for `system`.
  package var remedy: String? {
    switch self {
    case .foreign: "give it to the user that runs the daemon (chown)"
    case .writable: "take the write permission from others (chmod go-w)"
    case .link: "replace it by a folder"
    case .system: nil
    }
  }
}
