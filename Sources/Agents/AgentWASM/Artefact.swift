import CLinux
import Glibc
import Linux

/// The compiled form of a module, ready for the engine to map: a copy in memory that nobody can change or cut short.
///
/// A file on a disk can be: a page that is mapped and no longer there ends whoever looks at it (SIGBUS, mmap(2)), and what
/// was checked need not be what is mapped.
final class Artefact: Sendable {
  /// The largest, in bytes.
  private static let largest = 256 << 20

  /// The file that it came from.
  let path: String
  private let memory: Descriptor

  private init(path: String, _ memory: consuming Descriptor) {
    self.path = path
    self.memory = memory
  }

  /// Where the engine finds it; valid as long as this is.
  var place: String { "/proc/self/fd/\(memory.number)" }

  /// Takes code as it is.
  convenience init(path: String, code: [UInt8]) throws(SystemError) {
    let memory = try Self.newMemory(path)
    try System.writeAll(memory.number, code)
    guard openstarry_seal(memory.number) == 0 else { throw SystemError("seal", path) }
    self.init(path: path, memory)
  }

  /// Copies the code of a file, when its seal is right.
  /// - Parameters:
  ///   - name: of the file in `folder`.
  ///   - secret: what it was sealed with.
  /// - Returns: nil when the file is missing, no file of ours, or not whole.
  static func open(_ name: String, in folder: TrustedFolder, _ seal: Seal, secret: [UInt8]) -> Artefact? {
    let path = Files.join(folder.path, name)
    guard let file = folder.open(name), let status = try? FileStatus(of: file.number),
      status.size > UInt64(Seal.size), status.size <= UInt64(largest), let memory = try? newMemory(path)
    else { return nil }
    let length = Int(status.size) - Seal.size
    guard let code = try? copy(file.number, length, to: memory.number),
      let found = try? Beneath.bytes(file.number, at: Int64(length), limit: Seal.size + 1),
      found == seal.bytes(code: code, secret: secret), openstarry_seal(memory.number) == 0
    else { return nil }
    return Artefact(path: path, memory)
  }

  /// Puts the seal behind code that a compiler of ours has left in a file, and waits until it is on the disk.
  static func seal(_ path: String, _ seal: Seal, secret: [UInt8]) throws(SystemError) {
    let file = try System.open(path, O_RDWR | O_NOFOLLOW)
    let length = Int(try FileStatus(of: file.number).size)
    let code = try copy(file.number, length, to: nil)
    try System.write(file.number, seal.bytes(code: code, secret: secret), at: length)
    guard System.retry({ fsync(file.number) }) == 0 else { throw SystemError("fsync", path) }
  }

  private static func newMemory(_ path: String) throws(SystemError) -> Descriptor {
    let number = unsafe "openstarry-module".withCString { unsafe openstarry_memfd_create($0) }
    return try Descriptor(checking: number, "memfd_create", path)
  }

  /// - Returns: SHA-256 of what was copied.
  /// - Throws: EIO when the file is shorter.
  private static func copy(_ file: Int32, _ length: Int, to memory: Int32?) throws(SystemError) -> [UInt8] {
    var hash = SHA256()
    var place = 0
    while place < length {
      let piece = try Beneath.bytes(file, at: Int64(place), limit: min(65536, length - place))
      guard !piece.isEmpty else { throw SystemError("read", errno: EIO) }
      hash.update(piece)
      if let memory { try System.writeAll(memory, piece) }
      place += piece.count
    }
    return hash.finish()
  }
}
