import Glibc

/// The room of a file system (statvfs(3)).
package struct DiskSpace: Sendable, Hashable {
  /// A file or folder in it.
  package var path: String
  /// Bytes for users without special rights.
  package var free: UInt64
  /// Bytes in all.
  package var total: UInt64
  /// How many more files it can have.
  package var freeFiles: UInt64
  /// How many files it can have in all; 0 where there is no such limit.
  package var files: UInt64
  /// Whether nothing can be written.
  package var isReadOnly: Bool
  /// Whether it is only in memory.
  package var isInMemory: Bool

  /// Given numbers.
  package init(
    path: String, free: UInt64, total: UInt64, freeFiles: UInt64, files: UInt64, isReadOnly: Bool = false,
    isInMemory: Bool = false
  ) {
    self.path = path
    self.free = free
    self.total = total
    self.freeFiles = freeFiles
    self.files = files
    self.isReadOnly = isReadOnly
    self.isInMemory = isInMemory
  }

  /// The file system that `path` is in.
  /// - Returns: nil when the path does not exist or may not be reached.
  package init?(of path: String) {
    var status = statvfs()
    // SAFETY: the kernel fills in the structure.
    guard unsafe path.withCString({ unsafe statvfs($0, &status) }) == 0 else { return nil }
    let block = UInt64(status.f_frsize)
    // ST_RDONLY is 1.
    self.init(
      path: path, free: UInt64(status.f_bavail) * block, total: UInt64(status.f_blocks) * block,
      freeFiles: UInt64(status.f_favail), files: UInt64(status.f_files), isReadOnly: status.f_flag & 1 != 0,
      isInMemory: Files.isInMemory(path))
  }
}
