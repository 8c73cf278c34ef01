import CLinux
import Glibc
import Linux

/// Files of sysfs, configfs, debugfs and procfs.
package enum KernelFile {
  /// Whether a file or folder exists.
  package static func exists(_ path: String) -> Bool { Files.exists(path) }

  /// The text without trailing spaces and newlines.
  package static func text(_ path: String) throws -> String {
    var bytes = try bytes(path)
    while let last = bytes.last, last == 0x0A || last == 0x20 { bytes.removeLast() }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// The whole content of the file.
  package static func bytes(_ path: String) throws -> [UInt8] {
    let file = try System.open(path, O_RDONLY)
    var bytes: [UInt8] = []
    while let count = try System.read(file.number, into: &bytes, limit: 4096), count > 0 {}
    return bytes
  }

  /// Writes a text in one write(2).
  package static func write(_ path: String, _ text: String) throws {
    do throws(SystemError) {
      let file = try System.open(path, O_WRONLY)
      try System.writeAll(file.number, Array(text.utf8))
    } catch {
      throw SystemError("write '\(text)' to", path, errno: error.errno)
    }
  }

  /// Writes bytes at `offset` (pwrite(2)).
  package static func write(_ path: String, _ bytes: [UInt8], at offset: Int) throws {
    let file = try System.open(path, O_WRONLY)
    // SAFETY: the array is valid for its count during the call.
    let count = unsafe bytes.withUnsafeBytes { unsafe pwrite(file.number, $0.baseAddress, $0.count, offset) }
    guard count == bytes.count else { throw SystemError("write", path) }
  }

  /// The names in a folder, sorted; empty when it does not exist.
  package static func names(_ folder: String) -> [String] { (try? Files.names(in: folder)) ?? [] }

  /// Makes a folder; does nothing when it exists.
  static func makeFolder(_ path: String) throws {
    guard unsafe path.withCString({ unsafe mkdir($0, 0o755) }) == 0 || errno == EEXIST else {
      throw SystemError("mkdir", path)
    }
  }

  /// Removes an empty folder; does nothing when it does not exist.
  static func removeFolder(_ path: String) throws {
    guard unsafe path.withCString({ unsafe rmdir($0) }) == 0 || errno == ENOENT else {
      throw SystemError("rmdir", path)
    }
  }
}
