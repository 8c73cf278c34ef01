import CLinux
import Glibc

extension Files {
  /// Whether this process may write what has this name (access(2)).
  public static func mayWrite(_ path: String) -> Bool { unsafe path.withCString { unsafe access($0, W_OK) } == 0 }

  /// The size of a regular file in bytes; nil when there is none of that name.
  public static func size(_ path: String) -> Int? {
    var status = stat()
    // SAFETY: stat(2) fills in the local structure.
    guard unsafe path.withCString({ unsafe stat($0, &status) }) == 0, isFile(path) else { return nil }
    return Int(status.st_size)
  }

  /// When the content of a file was last changed (stat(2), `st_mtim`), in nanoseconds since 1970; nil when there is no
  /// regular file of that name.
  public static func modified(_ path: String) -> Int64? {
    var status = stat()
    // SAFETY: stat(2) fills in the local structure.
    guard unsafe path.withCString({ unsafe stat($0, &status) }) == 0, isFile(path) else { return nil }
    return Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec)
  }

  /// chmod(2).
  public static func setMode(_ path: String, _ mode: UInt32) { _ = unsafe path.withCString { unsafe chmod($0, mode) } }

  /// rmdir(2) of an empty folder; does nothing when it is not empty, or not there.
  public static func removeFolder(_ path: String) { _ = unsafe path.withCString { unsafe rmdir($0) } }

  /// unlink(2); a missing file is as good as a removed one.
  /// - Returns: whether nothing has this name now.
  @discardableResult
  public static func remove(_ path: String) -> Bool {
    unsafe path.withCString { unsafe unlink($0) } == 0 || errno == ENOENT
  }

  /// Gives a file another name, in place of what had it, and waits until the folder is on the disk.
  ///
  /// The file's content must be on the disk before: see ``synchronise(_:)``.
  public static func move(_ from: String, to: String) throws(SystemError) {
    let result = unsafe from.withCString { from in unsafe to.withCString { to in unsafe rename(from, to) } }
    guard result == 0 else { throw SystemError("rename", from) }
    try synchronise(folder(of: to))
  }

  /// Waits until a file, or the names in a folder, are on the disk (fsync(2)).
  public static func synchronise(_ path: String) throws(SystemError) {
    let descriptor = try System.open(path, O_RDONLY)
    guard System.retry({ fsync(descriptor.number) }) == 0 else { throw SystemError("fsync", path) }
  }

  /// Copies a file in pieces; what `to` held before is lost, and after a failure it is incomplete.
  ///
  /// Does not wait for the disk: see ``synchronise(_:)``.
  /// - Parameter mode: of the new file.
  public static func copy(_ from: String, to: String, mode: UInt32 = 0o640) throws(SystemError) {
    let source = try System.open(from, O_RDONLY)
    let target = try System.open(to, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode: mode)
    var piece: [UInt8] = []
    while let count = try System.read(source.number, into: &piece), count > 0 {
      try System.writeAll(target.number, piece)
      piece.removeAll(keepingCapacity: true)
    }
  }
}
