import CLinux
import Glibc

/// Files below a folder, for untrusted paths: none can lead out of it, neither by `..`, an absolute path, a symbolic
/// link, nor into another mount (openat2(2), Linux 5.6).
package enum Beneath {
  /// Opens the folder for look-ups only (O_PATH).
  package static func folder(_ path: String) throws(SystemError) -> Descriptor {
    try System.open(path, Int32(OPENSTARRY_O_PATH) | O_DIRECTORY)
  }

  /// Looks a path up without opening the file (O_PATH).
  /// - Parameter path: relative to the folder; `.` is the folder itself.
  /// - Throws: EXDEV when the path leads out, ELOOP at a symbolic link, ENOENT and so on.
  package static func find(_ path: String, in folder: Int32) throws(SystemError) -> Descriptor {
    try open(path, in: folder, Int32(OPENSTARRY_O_PATH))
  }

  /// Opens a regular file or a folder for reading.
  /// - Throws: as `find`; EACCES for any other kind of file, which is not opened, as opening a device can have effects.
  package static func read(_ path: String, in folder: Int32) throws(SystemError) -> Descriptor {
    let place = try find(path, in: folder)
    let found = try FileStatus(of: place.number)
    guard found.kind != .other else { throw SystemError("open", path, errno: EACCES) }
    let file = try open(path, in: folder, O_RDONLY | O_NONBLOCK | O_NOCTTY)
    guard try FileStatus(of: file.number).kind == found.kind else { throw SystemError("open", path, errno: EACCES) }
    return file
  }

  /// The entries of a folder, without `.` and `..`, sorted by name.
  /// - Parameter limit: the most entries; more are an error (EOVERFLOW), so that a folder cannot fill memory.
  package static func entries(of folder: Int32, limit: Int) throws(SystemError) -> [FolderEntry] {
    let copy = try open(".", in: folder, O_RDONLY | O_DIRECTORY)
    // SAFETY: the stream takes ownership of the descriptor and closes it.
    guard let stream = unsafe fdopendir(copy.release()) else { throw SystemError("fdopendir") }
    defer { unsafe closedir(stream) }
    var entries: [FolderEntry] = []
    // SAFETY: the entry is valid until the next readdir; d_name is a C string within it.
    while let entry = unsafe readdir(stream) {
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
        unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
      }
      if name == "." || name == ".." { continue }
      guard entries.count < limit else { throw SystemError("readdir", errno: EOVERFLOW) }
      let type = unsafe Int32(entry.pointee.d_type)
      let kind: FileKind = type == 8 ? .regular : type == 4 ? .folder : .other
      entries.append(FolderEntry(name: name, inode: unsafe UInt64(entry.pointee.d_ino), kind: kind))
    }
    return entries.sorted { $0.name < $1.name }
  }

  /// Reads at an offset (pread(2)).
  /// - Returns: at most `limit` bytes, perhaps fewer; none at the end of the file.
  package static func bytes(_ file: Int32, at place: Int64, limit: Int) throws(SystemError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: limit)
    // SAFETY: the kernel writes at most the buffer's count.
    let count = System.retry {
      unsafe bytes.withUnsafeMutableBytes { unsafe pread(file, $0.baseAddress, $0.count, Int(place)) }
    }
    guard count >= 0 else { throw SystemError("pread") }
    bytes.removeLast(limit - count)
    return bytes
  }

  private static func open(_ path: String, in folder: Int32, _ flags: Int32) throws(SystemError) -> Descriptor {
    let result = System.retry {
      unsafe path.withCString { unsafe openstarry_open_beneath(folder, $0, flags | O_CLOEXEC) }
    }
    return try Descriptor(checking: result, "open", path)
  }
}

/// The type of a file.
package enum FileKind: Sendable, Hashable {
  case regular
  case folder
  /// Devices, sockets, pipes, symbolic links.
  case other
}

/// An entry of a folder (readdir(3)).
package struct FolderEntry: Sendable, Hashable {
  /// The name without the folder.
  package var name: String
  /// The file's number within its file system.
  package var inode: UInt64
  /// The type in the folder's entry; `other` also where the file system does not store it there.
  package var kind: FileKind
}

/// The kernel's metadata of a file (fstat(2)).
package struct FileStatus: Sendable, Hashable {
  /// The file system's device number. With `inode` it identifies the file as long as that exists.
  package var device: UInt64
  /// The file's number within its file system.
  package var inode: UInt64
  /// The file's type.
  package var kind: FileKind
  /// The device that a device node refers to (`st_rdev`); 0 for any other file.
  package var special: UInt64
  /// The owner's user id.
  package var owner: UInt32
  /// The group's id.
  package var group: UInt32
  /// The permission bits, with set-user-id, set-group-id and sticky (inode(7)).
  package var mode: UInt32
  /// The number of hard links.
  package var links: UInt64
  /// The size in bytes.
  package var size: UInt64
  /// The time of the last read in nanoseconds since 1970, as far as the file system records it.
  package var accessed: UInt64
  /// The time of the last write in nanoseconds since 1970.
  package var modified: UInt64
  /// The time of the last change of content or metadata in nanoseconds since 1970.
  package var changed: UInt64

  /// The status of the file at a path; follows symbolic links (stat(2)).
  package init(_ path: String) throws(SystemError) {
    let file = try System.open(path, Int32(OPENSTARRY_O_PATH))
    try self.init(of: file.number)
  }

  /// The status of the file at a path, of a symbolic link itself (lstat(2)).
  package init(ofLink path: String) throws(SystemError) {
    let file = try System.open(path, Int32(OPENSTARRY_O_PATH) | O_NOFOLLOW)
    try self.init(of: file.number)
  }

  /// Whether the file was neither written nor replaced since `earlier`.
  package func isUnchanged(since earlier: FileStatus) -> Bool {
    device == earlier.device && inode == earlier.inode && size == earlier.size && modified == earlier.modified
      && changed == earlier.changed
  }

  /// The status of an open descriptor.
  package init(of descriptor: Int32) throws(SystemError) {
    var status = stat()
    // SAFETY: fstat(2) fills in the local structure.
    guard unsafe fstat(descriptor, &status) == 0 else { throw SystemError("fstat") }
    func nanoseconds(_ time: timespec) -> UInt64 {
      UInt64(clamping: time.tv_sec) &* 1_000_000_000 &+ UInt64(clamping: time.tv_nsec)
    }
    device = UInt64(status.st_dev)
    inode = UInt64(status.st_ino)
    // S_IFMT, S_IFREG and S_IFDIR of inode(7).
    let type = status.st_mode & 0o170000
    kind = type == 0o100000 ? .regular : type == 0o040000 ? .folder : .other
    special = UInt64(status.st_rdev)
    owner = status.st_uid
    group = status.st_gid
    mode = status.st_mode & 0o7777
    links = UInt64(status.st_nlink)
    size = UInt64(clamping: status.st_size)
    accessed = nanoseconds(status.st_atim)
    modified = nanoseconds(status.st_mtim)
    changed = nanoseconds(status.st_ctim)
  }
}
