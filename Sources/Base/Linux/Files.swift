import CLinux
import Glibc

/// Whole files: read with a bound, replaced so that a power cut leaves the old or the new one, never a torn one.
public enum Files {
  /// Reads a file.
  /// - Parameter limit: a longer file is an error (EFBIG), so that a device or a huge file cannot fill memory.
  public static func read(_ path: String, limit: Int = 16 << 20) throws(SystemError) -> [UInt8] {
    // O_NONBLOCK: opening a FIFO without a writer must not wait.
    let file = try System.open(path, O_RDONLY | O_NONBLOCK)
    var contents: [UInt8] = []
    do throws(SystemError) {
      // No more room than is needed: short files are read often.
      let piece = min(limit, 65535) + 1
      while let count = try System.read(file.number, into: &contents, limit: piece), count > 0 {
        if contents.count > limit { throw SystemError("read", errno: EFBIG) }
      }
    } catch {
      throw SystemError("read", path, errno: error.errno)
    }
    return contents
  }

  /// Replaces a file: temporary file, fsync, rename, fsync of the folder.
  /// - Parameter mode: of the new file, whatever the umask.
  public static func replace(_ path: String, with contents: [UInt8], mode: UInt32 = 0o640) throws(SystemError) {
    let temporary = "\(path).new"
    do throws(SystemError) {
      // What an earlier attempt left, or somebody planted, is not written to.
      remove(temporary)
      let file = try System.open(temporary, O_WRONLY | O_CREAT | O_EXCL, mode: mode)
      // Exactly that: the umask is the whole process's, and may be changed by another thread at this moment.
      guard fchmod(file.number, mode) == 0 else { throw SystemError("fchmod", temporary) }
      try System.writeAll(file.number, contents)
      guard System.retry({ fsync(file.number) }) == 0 else { throw SystemError("fsync", temporary) }
    } catch {
      _ = unsafe temporary.withCString { unsafe unlink($0) }
      throw SystemError(error.operation, temporary, errno: error.errno)
    }
    let renamed = unsafe temporary.withCString { from in unsafe path.withCString { to in unsafe rename(from, to) } }
    guard renamed == 0 else {
      let error = SystemError("rename", path)
      _ = unsafe temporary.withCString { unsafe unlink($0) }
      throw error
    }
    let folder = try System.open(folder(of: path), O_RDONLY | O_DIRECTORY)
    guard System.retry({ fsync(folder.number) }) == 0 else { throw SystemError("fsync", path) }
  }

  /// The names in a folder, sorted, without `.` and `..`.
  public static func names(in folder: String) throws(SystemError) -> [String] {
    guard let stream = unsafe folder.withCString({ unsafe opendir($0) }) else {
      throw SystemError("open folder", folder)
    }
    defer { unsafe closedir(stream) }
    var names: [String] = []
    // SAFETY: the entry is valid until the next readdir; d_name is a C string within it.
    while let entry = unsafe readdir(stream) {
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
        unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  /// Makes a folder and those above it; does nothing when it is there.
  /// - Throws: ENOTDIR when something else has its name, or that of one above it.
  public static func makeFolder(_ path: String, mode: UInt32 = 0o750) throws(SystemError) {
    var made = path.hasPrefix("/") ? "" : "."
    for part in path.split(separator: "/") {
      made += "/\(part)"
      if unsafe made.withCString({ unsafe mkdir($0, mode) }) != 0 {
        let error = errno
        if !isFolder(made) { throw SystemError("mkdir", made, errno: error == EEXIST ? ENOTDIR : error) }
      }
    }
  }

  /// Whether there is anything at `path`.
  public static func exists(_ path: String) -> Bool { kind(path) != nil }

  /// Whether `path` is a folder.
  public static func isFolder(_ path: String) -> Bool { kind(path) == 0o040000 }

  /// Whether `path` is a regular file.
  public static func isFile(_ path: String) -> Bool { kind(path) == 0o100000 }

  /// The path with symbolic links, `.` and `..` resolved (realpath(3)).
  public static func resolve(_ path: String) throws(SystemError) -> String {
    guard let resolved = unsafe path.withCString({ unsafe realpath($0, nil) }) else {
      throw SystemError("resolve", path)
    }
    defer { unsafe free(resolved) }
    return unsafe String(cString: resolved)
  }

  /// The folder part of a path; `.` when it has none.
  public static func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  /// `path` as seen from `folder`: unchanged when it is absolute.
  public static func join(_ folder: String, _ path: String) -> String {
    if path.hasPrefix("/") || folder == "." || folder.isEmpty { return path }
    return folder.hasSuffix("/") ? "\(folder)\(path)" : "\(folder)/\(path)"
  }

  /// Whether a folder or file is in memory alone, and gone with the next boot (statfs(2)).
  public static func isInMemory(_ path: String) -> Bool {
    var status = statfs()
    // SAFETY: the kernel fills in the structure.
    guard unsafe path.withCString({ unsafe statfs($0, &status) }) == 0 else { return false }
    // TMPFS_MAGIC and RAMFS_MAGIC of linux/magic.h.
    return status.f_type == 0x0102_1994 || status.f_type == 0x8584_58F6
  }

  /// The file type bits of `st_mode`, numbered in inode(7); the names are ambiguous in Swift.
  private static func kind(_ path: String) -> UInt32? {
    var status = stat()
    guard unsafe path.withCString({ unsafe stat($0, &status) }) == 0 else { return nil }
    return status.st_mode & 0o170000
  }
}
