import CLinux
import Glibc
import Linux

/// A sealed file in memory: the transport of pictures.
package enum MemoryFile {
  /// Creates a file with `contents` (memfd_create(2)) that nobody can change; its offset is 0.
  /// - Parameter name: shown in `/proc/PID/fd`, for debugging.
  package static func sealed(_ name: String, _ contents: [UInt8]) throws(SystemError) -> Descriptor {
    let result = unsafe name.withCString { unsafe openstarry_memfd_create($0) }
    let file = try Descriptor(checking: result, "memfd_create", name)
    try System.writeAll(file.number, contents)
    guard lseek(file.number, 0, SEEK_SET) == 0, openstarry_seal(file.number) == 0 else {
      throw SystemError("seal", name)
    }
    return file
  }

  /// Reads a whole file, and moves its offset.
  /// - Parameter limit: in bytes; a longer file is an error (EFBIG).
  package static func read(_ descriptor: borrowing Descriptor, limit: Int = 64 << 20) throws(SystemError) -> [UInt8] {
    guard lseek(descriptor.number, 0, SEEK_SET) == 0 else { throw SystemError("seek") }
    var contents: [UInt8] = []
    while let count = try System.read(descriptor.number, into: &contents), count > 0 {
      if contents.count > limit { throw SystemError("read", errno: EFBIG) }
    }
    return contents
  }
}
