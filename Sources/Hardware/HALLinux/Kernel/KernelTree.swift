import CLinux
import HAL
import Linux

/// The kernel's text files under `/sys` and `/proc`, below a root that tests can replace.
struct KernelTree: Sendable {
  /// The prefix of every path; empty on a real machine.
  let root: String

  /// A file's text without trailing white space.
  func text(_ path: String) throws(HALError.Fault) -> String {
    do throws(SystemError) {
      let file = try System.open(root + path, O_RDONLY)
      var bytes: [UInt8] = []
      // Attributes have at most a page; files of /proc may be longer.
      while let count = try System.read(file.number, into: &bytes, limit: 4096), count > 0 {
        if bytes.count > 1 << 20 { throw SystemError("read", path, errno: EFBIG) }
      }
      while let last = bytes.last, last == 0x0A || last == 0x20 { bytes.removeLast() }
      return String(decoding: bytes, as: UTF8.self)
    } catch {
      throw HALError.Fault(errno: error.errno)
    }
  }

  /// The number in a file.
  /// - Throws: `protocolViolation` when the file holds anything else.
  func number(_ path: String) throws(HALError.Fault) -> Double {
    let text = try text(path)
    guard let number = Double(text), number.isFinite else {
      throw .protocolViolation("\(path) holds '\(text.prefix(40))', not a number")
    }
    return number
  }

  /// Writes a text in one write(2), as sysfs requires.
  func write(_ path: String, _ text: String) throws(HALError.Fault) {
    do throws(SystemError) {
      let file = try System.open(root + path, O_WRONLY)
      let bytes = Array(text.utf8)
      try System.writeAll(file.number, bytes)
      // For the plain files of tests, which would keep the rest of a longer text. Attributes of sysfs ignore it.
      ftruncate(file.number, bytes.count)
    } catch {
      throw HALError.Fault(errno: error.errno)
    }
  }

  /// The names in a folder that begin with `prefix`, in the order of the numbers behind the prefix. Empty when there is
  /// no such folder.
  func names(in folder: String, prefix: String) -> [String] {
    let names = (try? Files.names(in: root + folder)) ?? []
    return names.filter { $0.hasPrefix(prefix) }.sorted { left, right in
      let (first, second) = (Int(left.dropFirst(prefix.count)), Int(right.dropFirst(prefix.count)))
      if let first, let second { return first < second }
      return left < right
    }
  }

  /// Whether there is such a file or folder.
  func exists(_ path: String) -> Bool { Files.isFile(root + path) || Files.isFolder(root + path) }

  /// The resolved path; nil when it does not exist.
  func target(_ path: String) -> String? { try? Files.resolve(root + path) }
}
