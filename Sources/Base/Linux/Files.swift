import CLinux
import Glibc

/// Whole files: bounded reads, and replacements that leave the old or the new content after a power cut.
package enum Files {
  /// Opens a regular file; never waits at a pipe for its other end.
  /// - Parameters:
  ///   - flags: O_RDONLY and so on.
  ///   - mode: the permission bits of a new file, less the umask.
  /// - Throws: EISDIR for a folder, `SystemError.notRegular` for a pipe, a device or a socket.
  package static func open(_ path: String, _ flags: Int32, mode: UInt32 = 0) throws(SystemError) -> Descriptor {
    do throws(SystemError) {
      let file = try System.open(path, flags | O_NONBLOCK | O_NOCTTY, mode: mode)
      switch try FileStatus(of: file.number).kind {
      case .regular: return file
      case .folder: throw SystemError("open", path, errno: EISDIR)
      case .other: throw SystemError("open", path, errno: SystemError.notRegular)
      }
    } catch {
      // A socket, or a pipe that nobody reads (open(2)).
      throw SystemError("open", path, errno: error.errno == ENXIO ? SystemError.notRegular : error.errno)
    }
  }

  /// Reads a regular file.
  /// - Parameter limit: the most bytes; a longer file is an error (EFBIG), so that a huge file cannot fill memory.
  package static func read(_ path: String, limit: Int = 16 << 20) throws(SystemError) -> [UInt8] {
    let file = try open(path, O_RDONLY)
    var contents: [UInt8] = []
    do throws(SystemError) {
      // One byte more than the limit, which shows a longer file; small limits get small buffers.
      let piece = min(limit, 65535) + 1
      while let count = try System.read(file.number, into: &contents, limit: piece), count > 0 {
        if contents.count > limit { throw SystemError("read", errno: EFBIG) }
      }
    } catch {
      throw SystemError("read", path, errno: error.errno)
    }
    return contents
  }

  /// Replaces a file atomically: temporary file `<path>.new`, fsync, rename, fsync of the folder.
  /// - Parameters:
  ///   - mode: the permission bits of the new file, regardless of the umask.
  ///   - isDurable: whether it must survive a power cut. Without that nothing waits for the disk.
  package static func replace(_ path: String, with contents: [UInt8], mode: UInt32 = 0o640, isDurable: Bool = true)
    throws(SystemError)
  {
    let temporary = "\(path).new"
    do throws(SystemError) {
      // Never write through a file that an earlier attempt left or somebody planted.
      remove(temporary)
      let file = try System.open(temporary, O_WRONLY | O_CREAT | O_EXCL, mode: mode)
      // Set the mode exactly: another thread may change the process's umask at any moment.
      guard fchmod(file.number, mode) == 0 else { throw SystemError("fchmod", temporary) }
      try System.writeAll(file.number, contents)
      if isDurable {
        guard System.retry({ fsync(file.number) }) == 0 else { throw SystemError("fsync", temporary) }
      }
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
    guard isDurable else { return }
    let folder = try System.open(folder(of: path), O_RDONLY | O_DIRECTORY)
    guard System.retry({ fsync(folder.number) }) == 0 else { throw SystemError("fsync", path) }
  }

  /// The names in a folder, sorted, without `.` and `..`.
  package static func names(in folder: String) throws(SystemError) -> [String] {
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

  /// Makes a folder and its parents; does nothing when it exists.
  /// - Throws: ENOTDIR when a component of the path exists and is not a folder.
  package static func makeFolder(_ path: String, mode: UInt32 = 0o750) throws(SystemError) {
    var made = isAbsolute(path) ? "" : "."
    for part in parts(of: path) {
      made += "/\(part)"
      if unsafe made.withCString({ unsafe mkdir($0, mode) }) != 0 {
        let error = errno
        if !isFolder(made) { throw SystemError("mkdir", made, errno: error == EEXIST ? ENOTDIR : error) }
      }
    }
  }

  /// Whether a file of any type exists at `path`.
  package static func exists(_ path: String) -> Bool { kind(path) != nil }

  /// Whether there is an entry at `path`, also a symbolic link that leads nowhere.
  package static func hasEntry(_ path: String) -> Bool {
    var status = stat()
    // SAFETY: the kernel fills in the structure.
    return unsafe path.withCString { unsafe lstat($0, &status) } == 0
  }

  /// The target of a symbolic link, as it is written there (readlink(2)); nil when `path` is no link.
  package static func target(ofLink path: String) -> String? {
    let target = unsafe [UInt8](unsafeUninitializedCapacity: 4096) { bytes, count in
      // SAFETY: the kernel writes at most the capacity, and returns how much it has written.
      guard let room = bytes.baseAddress else { return }
      count = max(0, unsafe path.withCString { unsafe readlink($0, room, bytes.count) })
    }
    return target.isEmpty ? nil : String(decoding: target, as: UTF8.self)
  }

  /// Whether `path` is a folder.
  package static func isFolder(_ path: String) -> Bool { kind(path) == 0o040000 }

  /// Whether `path` is a regular file.
  package static func isFile(_ path: String) -> Bool { kind(path) == 0o100000 }

  /// The absolute path without symbolic links, `.` and `..` (realpath(3)).
  package static func resolve(_ path: String) throws(SystemError) -> String {
    guard let resolved = unsafe path.withCString({ unsafe realpath($0, nil) }) else {
      throw SystemError("resolve", path)
    }
    defer { unsafe free(resolved) }
    return unsafe String(cString: resolved)
  }

  /// A path without the links in its part that exists. The rest, with its `..`, stays as it is.
  package static func resolveExisting(_ path: String) -> String {
    var (head, tail) = (path, "")
    while true {
      if let found = try? resolve(head) { return found == "/" && !tail.isEmpty ? tail : found + tail }
      guard let slash = head.utf8.lastIndex(of: UInt8(ascii: "/")), slash > head.startIndex else { return path }
      tail = head[slash...] + tail
      head = String(head[..<slash])
    }
  }

  /// Whether a folder or file is only in memory, and lost at the next boot (statfs(2)).
  package static func isInMemory(_ path: String) -> Bool {
    var status = statfs()
    // SAFETY: the kernel fills in the structure.
    guard unsafe path.withCString({ unsafe statfs($0, &status) }) == 0 else { return false }
    // TMPFS_MAGIC and RAMFS_MAGIC of linux/magic.h.
    return status.f_type == 0x0102_1994 || status.f_type == 0x8584_58F6
  }

  /// The file type bits of `st_mode` (inode(7)), as numbers: the names of the constants are ambiguous in Swift.
  private static func kind(_ path: String) -> UInt32? {
    var status = stat()
    guard unsafe path.withCString({ unsafe stat($0, &status) }) == 0 else { return nil }
    return status.st_mode & 0o170000
  }
}
