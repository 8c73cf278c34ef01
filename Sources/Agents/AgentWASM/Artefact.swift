import CLinux
import Glibc
import Linux
import Model

/// A compiled module, ready for the engine to map: a copy in sealed memory, which can be neither changed nor truncated.
///
/// A file on a disk can be both: access to a truncated mapping is a SIGBUS (mmap(2)), and the mapped bytes may differ from the
/// checked ones.
final class Artefact: Sendable {
  /// The largest, in bytes.
  private static let largest = 256 << 20

  /// The file that it was read from.
  let path: String
  private let memory: Descriptor

  private init(path: String, _ memory: consuming Descriptor) {
    self.path = path
    self.memory = memory
  }

  /// The path for the engine; valid while this object lives.
  var place: String { "/proc/self/fd/\(memory.number)" }

  /// Creates an artefact from code.
  convenience init(path: String, code: [UInt8]) throws(SystemError) {
    let memory = try Self.newMemory(path)
    try System.writeAll(memory.number, code)
    guard openstarry_seal(memory.number) == 0 else { throw SystemError("seal", path) }
    self.init(path: path, memory)
  }

  /// Copies the code of a file if its seal is valid.
  /// - Parameters:
  ///   - name: the file in `folder`.
  ///   - secret: the secret of the seal.
  /// - Returns: nil if the file is missing or incomplete, or if its seal is wrong.
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

  /// Appends the seal to a file that our compiler has written, and syncs it to the disk.
  static func seal(_ path: String, _ seal: Seal, secret: [UInt8]) throws(SystemError) {
    let file = try Files.open(path, O_RDWR | O_NOFOLLOW)
    let length = Int(try FileStatus(of: file.number).size)
    let code = try copy(file.number, length, to: nil)
    try System.write(file.number, seal.bytes(code: code, secret: secret), at: length)
    guard System.retry({ fsync(file.number) }) == 0 else { throw SystemError("fsync", path) }
  }

  private static func newMemory(_ path: String) throws(SystemError) -> Descriptor {
    let number = unsafe "openstarry-module".withCString { unsafe openstarry_memfd_create($0) }
    return try Descriptor(checking: number, "memfd_create", path)
  }

  /// - Returns: SHA-256 of the copied bytes.
  /// - Throws: EIO if the file is shorter.
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
