import CLinux
import Glibc

extension Files {
  /// Whether this process may write the file or folder at `path` (access(2)).
  package static func mayWrite(_ path: String) -> Bool { unsafe path.withCString { unsafe access($0, W_OK) } == 0 }

  /// The size of a regular file in bytes; nil when `path` is not a regular file.
  package static func size(_ path: String) -> Int? {
    var status = stat()
    // SAFETY: stat(2) fills in the local structure.
    guard unsafe path.withCString({ unsafe stat($0, &status) }) == 0, isFile(path) else { return nil }
    return Int(status.st_size)
  }

  /// The time of a regular file's last write (stat(2), `st_mtim`) in nanoseconds since 1970; nil when `path` is not a
  /// regular file.
  package static func modified(_ path: String) -> Int64? {
    var status = stat()
    // SAFETY: stat(2) fills in the local structure.
    guard unsafe path.withCString({ unsafe stat($0, &status) }) == 0, isFile(path) else { return nil }
    return Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec)
  }

  /// Sets the permission bits (chmod(2)); failures are ignored.
  package static func setMode(_ path: String, _ mode: UInt32) { _ = unsafe path.withCString { unsafe chmod($0, mode) } }

  /// Removes an empty folder (rmdir(2)); does nothing when it is not empty or does not exist.
  package static func removeFolder(_ path: String) { _ = unsafe path.withCString { unsafe rmdir($0) } }

  /// Removes a file (unlink(2)).
  /// - Returns: true when the file is removed or did not exist.
  @discardableResult
  package static func remove(_ path: String) -> Bool {
    unsafe path.withCString { unsafe unlink($0) } == 0 || errno == ENOENT
  }

  /// Renames a file, replacing any file at `to`, and waits until the folder is on the disk.
  ///
  /// The file's content must already be on the disk: see ``synchronise(_:)``.
  package static func move(_ from: String, to: String) throws(SystemError) {
    let result = unsafe from.withCString { from in unsafe to.withCString { to in unsafe rename(from, to) } }
    guard result == 0 else { throw SystemError("rename", from) }
    try synchronise(folder(of: to))
  }

  /// Waits until a file's content, or a folder's entries, are on the disk (fsync(2)).
  package static func synchronise(_ path: String) throws(SystemError) {
    let descriptor = try System.open(path, O_RDONLY | O_NONBLOCK)
    guard System.retry({ fsync(descriptor.number) }) == 0 else { throw SystemError("fsync", path) }
  }

  /// Copies a file in pieces, overwriting `to`. After a failure `to` is incomplete.
  ///
  /// Does not wait for the disk: see ``synchronise(_:)``.
  /// - Parameter mode: the permission bits of a new file, less the umask.
  package static func copy(_ from: String, to: String, mode: UInt32 = 0o640) throws(SystemError) {
    let source = try open(from, O_RDONLY)
    let target = try open(to, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode: mode)
    var piece: [UInt8] = []
    while let count = try System.read(source.number, into: &piece), count > 0 {
      try System.writeAll(target.number, piece)
      piece.removeAll(keepingCapacity: true)
    }
  }
}
