import Linux

/// SQLite's write-ahead log, as a killed daemon leaves it (sqlite.org/fileformat2.html#the_write_ahead_log).
///
/// SQLite silently stops reading a log at the first frame with a wrong checksum. This reader does the same and then
/// checks whether more frames of the same generation follow, so that the loss can be reported.
struct WriteAheadLog {
  private static let headerBytes = 32
  private static let frameHeaderBytes = 24
  private static let longest = 64 << 20

  private let bytes: [UInt8]

  /// Reads a log before SQLite opens it; nil when it is missing, unreadable or has no frames.
  init?(reading path: String) {
    guard Files.isFile(path), let bytes = try? Files.read(path, limit: Self.longest) else { return nil }
    self.init(bytes)
  }

  /// A log with this content; nil when it has no frames.
  init?(_ bytes: [UInt8]) {
    guard bytes.count > Self.headerBytes else { return nil }
    self.bytes = bytes
  }

  /// Whether the log has a complete transaction that SQLite will not recover.
  ///
  /// Frames without a commit are no loss: a power cut or a full disk leaves them of a batch that was never
  /// acknowledged.
  var hasLoss: Bool {
    // An even magic number means little-endian checksums, as on all supported boards.
    var sum = Sum(bigEndian: bytes[3] & 1 == 1)
    sum.add(bytes[0..<24])
    guard word(0) & ~1 == 0x377F_0682, word(4) == 3_007_000, sum.first == word(24), sum.second == word(28) else {
      return true
    }
    let frameBytes = Self.frameHeaderBytes + Int(word(8))
    var frame = Self.headerBytes
    while frame + frameBytes <= bytes.count {
      sum.add(bytes[frame..<frame + 8])
      sum.add(bytes[frame + Self.frameHeaderBytes..<frame + frameBytes])
      guard word(frame) != 0, word(frame + 8) == word(16), word(frame + 12) == word(20),
        word(frame + 16) == sum.first, word(frame + 20) == sum.second
      else { break }
      frame += frameBytes
    }
    while frame + frameBytes <= bytes.count {
      // Both salts differ in a frame from before the last restart of the log. Word 4 is the file's size after a commit,
      // and 0 in all other frames.
      let isOfThisLog = word(frame + 8) == word(16) || word(frame + 12) == word(20)
      if isOfThisLog && word(frame + 4) != 0 { return true }
      frame += frameBytes
    }
    return false
  }

  /// The big-endian word at `offset`.
  private func word(_ offset: Int) -> UInt32 {
    UInt32(bytes[offset]) << 24 | UInt32(bytes[offset + 1]) << 16 | UInt32(bytes[offset + 2]) << 8
      | UInt32(bytes[offset + 3])
  }

  /// The running checksum over pairs of words.
  private struct Sum {
    let bigEndian: Bool
    var first: UInt32 = 0
    var second: UInt32 = 0

    init(bigEndian: Bool) { self.bigEndian = bigEndian }

    /// Adds a whole number of pairs of words.
    mutating func add(_ slice: ArraySlice<UInt8>) {
      for index in stride(from: slice.startIndex, to: slice.endIndex - 7, by: 8) {
        first = first &+ word(slice, index) &+ second
        second = second &+ word(slice, index + 4) &+ first
      }
    }

    private func word(_ slice: ArraySlice<UInt8>, _ at: Int) -> UInt32 {
      let value =
        UInt32(slice[at]) | UInt32(slice[at + 1]) << 8 | UInt32(slice[at + 2]) << 16 | UInt32(slice[at + 3]) << 24
      return bigEndian ? value.byteSwapped : value
    }
  }
}
