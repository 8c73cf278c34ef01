import CLinux
import Glibc
import Linux
import Wire

/// Exclusive ownership of a socket path, for the lifetime of this value.
///
/// The file `<socket>.lock` is locked (flock(2)), so that two daemons that start at once do not both replace a dead
/// socket. The kernel releases the lock when the process ends, even after SIGKILL.
struct SocketClaim: ~Copyable {
  let path: String
  let listener: Descriptor
  private let lock: Descriptor
  private let inode: UInt64

  /// Locks `path`, removes a dead socket, and listens.
  /// - Parameter group: the group of the socket; nil for the kernel's choice.
  /// - Throws: `alreadyRunning` when a daemon owns the socket or is starting with it.
  init(_ path: String, mode: UInt32, group: UInt32?) throws(ControlError) {
    guard path.utf8.count <= UnixSocket.longestPath else {
      throw .pathTooLong(path, longest: UnixSocket.longestPath)
    }
    let lock = try Self.lock(path)
    guard flock(lock.number, LOCK_EX | LOCK_NB) == 0 else { throw .alreadyRunning(path, pid: Self.listening(at: path)) }
    // A daemon may run without the lock because its lock file was removed.
    if let pid = Self.listening(at: path) { throw .alreadyRunning(path, pid: pid) }
    try Self.removeDead(path)
    let listener = try Self.listen(path, mode, group)
    self.path = path
    self.lock = lock
    self.listener = listener
    inode = Self.status(path)?.inode ?? 0
  }

  /// Whether a daemon owns the socket at `path`, or is starting with it.
  static func isTaken(_ path: String) -> Bool {
    if listening(at: path) != nil { return true }
    guard let lock = try? Files.open("\(path).lock", O_RDWR | O_NOFOLLOW) else { return false }
    return flock(lock.number, LOCK_EX | LOCK_NB) != 0
  }

  /// Removes the socket, unless it has been replaced by another file.
  borrowing func remove() {
    guard let status = Self.status(path), status.inode == inode else { return }
    _ = unsafe path.withCString { unsafe unlink($0) }
  }

  private static func lock(_ path: String) throws(ControlError) -> Descriptor {
    let folder = Files.folder(of: path)
    do throws(SystemError) {
      try Files.makeFolder(folder)
      return try Files.open("\(path).lock", O_RDWR | O_CREAT | O_NOFOLLOW, mode: 0o600)
    } catch {
      throw .system(error, hint: "the daemon must be able to write to \(folder); 'socket:' names another place")
    }
  }

  /// Sets the group before the mode, so that no wrong group can connect.
  private static func listen(_ path: String, _ mode: UInt32, _ group: UInt32?) throws(ControlError) -> Descriptor {
    do throws(SystemError) {
      let listener = try UnixSocket.listen(path, mode: 0o600)
      if let group, unsafe path.withCString({ unsafe chown($0, uid_t.max, group) }) != 0 {
        throw SystemError("chown", path)
      }
      guard unsafe path.withCString({ unsafe chmod($0, mode) }) == 0 else { throw SystemError("chmod", path) }
      return listener
    } catch {
      throw .system(error, hint: "the daemon must be able to create sockets in \(Files.folder(of: path))")
    }
  }

  /// The process that listens at `path`; nil for none.
  private static func listening(at path: String) -> Int32? {
    guard let socket = try? UnixSocket.connect(path) else { return nil }
    return (try? Peer(of: socket.number))?.pid
  }

  private static func removeDead(_ path: String) throws(ControlError) {
    guard let status = status(path) else { return }
    guard status.isSocket else { throw .notASocket(path) }
    guard unsafe path.withCString({ unsafe unlink($0) }) == 0 else {
      throw .system(SystemError("unlink", path), hint: "remove the dead daemon's socket")
    }
  }

  private static func status(_ path: String) -> (isSocket: Bool, inode: UInt64)? {
    var status = stat()
    // SAFETY: the kernel fills in the structure.
    guard unsafe path.withCString({ unsafe lstat($0, &status) }) == 0 else { return nil }
    return (status.st_mode & 0o170000 == 0o140000, UInt64(status.st_ino))
  }
}
