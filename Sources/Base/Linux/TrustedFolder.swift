import CLinux
import Glibc

/// A folder for files that are believed as they are: only root and this process's user can put something into it, or into
/// any folder above it another one in its place.
public final class TrustedFolder: Sendable {
  /// Without symbolic links.
  public let path: String
  private let descriptor: Descriptor

  /// Opens a folder, and makes it where it is missing.
  /// - Parameter accounts: who is in which group; nil reads the machine's files when that is asked.
  /// - Throws: `foreign` or `writable` when somebody else could write there.
  public init(_ path: String, accounts: Accounts? = nil) throws(TrustError) {
    do throws(SystemError) {
      try Files.makeFolder(path, mode: 0o700)
      self.path = try Files.resolve(path)
      descriptor = try System.open(self.path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
    } catch {
      throw .system(error)
    }
    // The folder itself, those above it, and those that a link on the way to it is in.
    try Self.check(above: self.path, accounts)
    if path != self.path { try Self.check(above: path, accounts) }
    // Nothing that a sticky folder protects it from may be done in the folder itself.
    try Self.judge(self.path, Self.status(of: descriptor.number), accounts, isShared: false)
  }

  /// Opens a file of it for reading.
  /// - Returns: nil when there is none, or none that is believed: a link, no regular file, or one that others may write.
  public func open(_ name: String) -> Descriptor? {
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

  private static func check(above path: String, _ accounts: Accounts?) throws(TrustError) {
    var folder = path.hasPrefix("/") ? "/" : "."
    try judge(folder, status(of: folder), accounts, isShared: true)
    for part in path.split(separator: "/") {
      folder = Files.join(folder, String(part))
      try judge(folder, status(of: folder), accounts, isShared: true)
    }
  }

  private static func status(of path: String) throws(TrustError) -> FileStatus {
    do throws(SystemError) { return try FileStatus(path) } catch { throw .system(error) }
  }

  private static func status(of descriptor: Int32) throws(TrustError) -> FileStatus {
    do throws(SystemError) { return try FileStatus(of: descriptor) } catch { throw .system(error) }
  }

  /// - Parameter isShared: whether others may write there as long as they cannot take away what is not theirs (the sticky
  ///   bit, inode(7)).
  private static func judge(
    _ path: String, _ status: FileStatus, _ accounts: Accounts?, isShared: Bool
  ) throws(TrustError) {
    guard status.owner == 0 || status.owner == geteuid() else {
      throw .foreign(path, owner: status.owner)
    }
    if status.mode & 0o022 == 0 || isShared && status.mode & 0o1000 != 0 { return }
    guard status.mode & 0o002 == 0 else { throw .writable(path, by: "everybody") }
    let accounts = accounts ?? .ofThisMachine()
    if accounts.isAlone(geteuid(), in: status.group) { return }
    let group = accounts.groupName(status.group).map { "'\($0)'" } ?? "\(status.group)"
    throw .writable(path, by: "the group \(group)")
  }
}

/// Why a folder is not believed.
public enum TrustError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The folder belongs to somebody else.
  case foreign(String, owner: UInt32)
  /// Others can write to the folder.
  case writable(String, by: String)
  /// It cannot be looked at.
  case system(SystemError)

  public var description: String {
    switch self {
    case .foreign(let path, let owner): "\(path) belongs to user \(owner)"
    case .writable(let path, let others): "\(path) can be written by \(others)"
    case .system(let error): error.description
    }
  }

  /// What to do about it; nil when nobody is distrusted.
  public var remedy: String? {
    switch self {
    case .foreign: "give it to the user that runs the daemon (chown)"
    case .writable: "let nobody else write there (chmod go-w)"
    case .system: nil
    }
  }
}
