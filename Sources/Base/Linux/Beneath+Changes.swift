import CLinux
import Glibc

// Reading and changing what lies below a folder, by untrusted paths.
extension Beneath {
  /// Reads a part of a regular file.
  /// - Parameters:
  ///   - path: relative to `root`; `.` where `root` is the file itself.
  ///   - root: a folder or a file, whose own path is trusted.
  ///   - limit: the most bytes.
  /// - Returns: the bytes, and the file's size.
  /// - Throws: EISDIR for a folder, EACCES for anything else that is no regular file, or `SystemError.notRegular` where
  ///   that is `root` itself; otherwise as `find`.
  package static func part(
    of path: String, in root: String, at offset: Int64, limit: Int
  ) throws(SystemError) -> (bytes: [UInt8], size: Int64) {
    let file: Descriptor
    if path == ".", !Files.isFolder(root) {
      file = try Files.open(root, O_RDONLY)
    } else {
      let top = try folder(root)
      file = try read(path, in: top.number)
    }
    let status = try FileStatus(of: file.number)
    guard status.kind == .regular else { throw SystemError("read", path, errno: EISDIR) }
    return (try bytes(file.number, at: offset, limit: limit), Int64(clamping: status.size))
  }

  /// Writes a regular file, replacing its content. A new one has mode 0640.
  /// - Throws: as `find`; `SystemError.notRegular` for a pipe or a device, EISDIR for a folder.
  package static func write(_ contents: [UInt8], to path: String, in root: String) throws(SystemError) {
    let top = try folder(root)
    let result = System.retry {
      unsafe path.withCString {
        unsafe openstarry_create_beneath(
          top.number, $0, O_WRONLY | O_CREAT | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0o640)
      }
    }
    let file = try Descriptor(checking: result, "open", path)
    guard try FileStatus(of: file.number).kind == .regular else {
      throw SystemError("open", path, errno: SystemError.notRegular)
    }
    guard ftruncate(file.number, 0) == 0 else { throw SystemError("ftruncate", path) }
    try System.writeAll(file.number, contents)
  }

  /// Makes a folder of mode 0750. Does nothing if there is one.
  /// - Throws: EEXIST where something else has the name, EINVAL for `.` and `..`; otherwise as `find`.
  package static func makeFolder(_ path: String, in root: String) throws(SystemError) {
    let top = try folder(root)
    let (above, name) = try entry(path)
    let place = try find(above, in: top.number)
    guard unsafe name.withCString({ unsafe mkdirat(place.number, $0, 0o750) }) != 0 else { return }
    let error = errno
    guard error == EEXIST else { throw SystemError("mkdir", path, errno: error) }
    let there = try find(path, in: top.number)
    guard try FileStatus(of: there.number).kind == .folder else { throw SystemError("mkdir", path, errno: error) }
  }

  /// Removes a file, a link or an empty folder.
  /// - Throws: EINVAL for `.` and `..`; otherwise as `find`.
  package static func remove(_ path: String, in root: String) throws(SystemError) {
    let top = try folder(root)
    let (above, name) = try entry(path)
    let place = try find(above, in: top.number)
    guard unsafe name.withCString({ unsafe unlinkat(place.number, $0, 0) }) != 0 else { return }
    guard errno == EISDIR || errno == EPERM else { throw SystemError("unlink", path) }
    guard unsafe name.withCString({ unsafe unlinkat(place.number, $0, AT_REMOVEDIR) }) == 0 else {
      throw SystemError("rmdir", path)
    }
  }

  /// The folder that a path's last component lies in, and that component, for system calls other than openat2(2).
  /// - Throws: EINVAL where that is no name.
  private static func entry(_ path: String) throws(SystemError) -> (folder: String, name: String) {
    let parts = Files.parts(of: path)
    guard let name = parts.last, name != ".", name != ".." else { throw SystemError("open", path, errno: EINVAL) }
    let above = (Files.isAbsolute(path) ? "/" : "") + parts.dropLast().joined(separator: "/")
    return (above.isEmpty ? "." : above, String(name))
  }

  /// The room of everything below a folder in bytes, as the launcher counts it: for each file its length or its room on
  /// the disk, whichever is more.
  /// - Returns: nil for more files or levels than can be counted.
  package static func size(of root: String) throws(SystemError) -> UInt64? {
    let folder = try System.open(root, O_RDONLY | O_DIRECTORY)
    var files: Int32 = 4096
    // SAFETY: the shim writes the local, and closes the folder.
    let size = unsafe openstarry_folder_size(folder.release(), 16, &files)
    return size == .max ? nil : size
  }
}
