import Glibc
import Linux

/// The file with every call since the ledger's start in this boot. Records are only appended, until a new file with the
/// state so far replaces it.
struct TokenJournal: ~Copyable {
  private let folder: String
  private var file: Descriptor?
  private var chain: UInt32 = 0
  /// The file's length up to the last whole record.
  private(set) var size = 0
  /// What the file had when it was made.
  private var startSize = 0
  /// Whether bytes of a failed write may follow the last whole record.
  private var hasRest = false
  /// All bytes written.
  private(set) var written = 0

  /// A file grows to this before it is replaced, and to four times what it began with.
  static let compactAt = 64 << 10
  /// More is not the ledger's own.
  private static let limit = 16 << 20

  init(folder: String) { self.folder = folder }

  private var path: String { Files.join(folder, "journal") }

  /// Whether there is a file to append to.
  var isOpen: Bool { file != nil }

  /// Whether a new file would be much shorter.
  var isLong: Bool { size > max(Self.compactAt, 4 * startSize) }

  /// The records of the file that a daemon of this boot has left.
  /// - Returns: nil when there is none of this boot; `isDamaged` when its records cannot be used.
  func read(boot: String) -> (records: [JournalRecord]?, isDamaged: Bool) {
    guard !boot.isEmpty, Files.hasEntry(path) else { return (nil, false) }
    guard let bytes = try? Files.read(path, limit: Self.limit), let records = JournalRecord.read(bytes),
      case .head(let of, _, _)? = records.first
    else { return (nil, true) }
    return of == boot ? (records, false) : (nil, false)
  }

  /// Appends records with one write(2).
  mutating func append(_ records: [JournalRecord]) throws(SystemError) {
    guard let number = file?.number else { throw SystemError("append to", path, errno: EBADF) }
    var (bytes, chain): ([UInt8], UInt32) = ([], self.chain)
    bytes.reserveCapacity(256)
    for record in records { record.write(to: &bytes, chain: &chain) }
    do throws(SystemError) {
      if hasRest { try cut(number) }
      try System.write(number, bytes, at: size)
    } catch {
      // Otherwise a shorter record could be followed by the rest of this one.
      hasRest = true
      try? cut(number)
      throw SystemError(error.operation, path, errno: error.errno)
    }
    self.chain = chain
    size += bytes.count
    written += bytes.count
  }

  private mutating func cut(_ number: Int32) throws(SystemError) {
    guard System.retry({ ftruncate(number, size) }) == 0 else { throw SystemError("ftruncate", path) }
    hasRest = false
  }

  /// Replaces the file by one with these records. After a failure the old file is as it was.
  mutating func replace(_ records: [JournalRecord]) throws(SystemError) {
    var (bytes, chain): ([UInt8], UInt32) = ([], 0)
    for record in records { record.write(to: &bytes, chain: &chain) }
    try Files.makeFolder(folder, mode: 0o700)
    // After a power cut it is one of another boot, which nobody reads: the loop need not wait for a disk.
    try Files.replace(path, with: bytes, mode: 0o600, isDurable: false)
    file = nil
    file = try Files.open(path, O_WRONLY | O_NOFOLLOW)
    (self.chain, size, startSize, hasRest) = (chain, bytes.count, bytes.count, false)
    written += bytes.count
  }

  /// Removes the file, so that the marks count at the next start.
  mutating func remove() {
    file = nil
    Files.remove(path)
  }
}
