/// A time zone, as the system's time zone database describes it (TZif, RFC 8536).
package struct TimeZoneFile: Sendable {
  /// The greatest length of a file, in bytes; the longest of tzdata has 4 KiB.
  package static let greatestLength = 65_536

  /// When the offset changes, in seconds since 1970, in ascending order.
  private var transitions: [Int64] = []
  /// The offset from each transition on, in seconds.
  private var offsets: [Int] = []
  /// The offset before the first transition.
  private var first = 0
  /// What holds after the last transition; nil when its offset stays.
  private var rule: TimeZoneRule?

  /// - Returns: nil when the bytes are not a file of version 1 to 4, or count leap seconds.
  package init?(_ bytes: [UInt8]) {
    guard bytes.count <= Self.greatestLength, let header = Header(bytes[...]) else { return nil }
    if header.version == 0 {
      guard readData(bytes.dropFirst(Header.length), header, timeLength: 4) else { return nil }
      return
    }
    // From version 2 on the data follow a second time, with 64 bits for each time, and then a rule.
    let second = bytes.dropFirst(Header.length + header.dataLength(timeLength: 4))
    guard let header = Header(second) else { return nil }
    let data = second.dropFirst(Header.length)
    guard readData(data, header, timeLength: 8) else { return nil }
    let footer = data.dropFirst(header.dataLength(timeLength: 8))
    guard footer.first == UInt8(ascii: "\n"), let end = footer.dropFirst().firstIndex(of: UInt8(ascii: "\n")) else {
      return nil
    }
    let text = footer[footer.startIndex + 1..<end]
    guard !text.isEmpty else { return }
    guard let rule = TimeZoneRule(text) else { return nil }
    self.rule = rule
  }

  /// How far the zone is ahead of UTC at `time`, in seconds.
  package func utcOffset(at time: CELTimestamp) -> Int {
    let seconds = time.seconds
    // The number of transitions until then.
    var (low, high) = (0, transitions.count)
    while low < high {
      let middle = (low + high) / 2
      if transitions[middle] <= seconds { low = middle + 1 } else { high = middle }
    }
    if low == transitions.count, let rule { return rule.utcOffset(at: seconds) }
    return low == 0 ? first : offsets[low - 1]
  }

  private mutating func readData(_ data: ArraySlice<UInt8>, _ header: Header, timeLength: Int) -> Bool {
    guard data.count >= header.dataLength(timeLength: timeLength), header.leapSeconds == 0, header.types > 0 else {
      return false
    }
    var reader = BigEndianReader(data)
    transitions = (0..<header.times).map { _ in reader.signed(length: timeLength) }
    guard zip(transitions, transitions.dropFirst()).allSatisfy({ $0 < $1 }) else { return false }
    let indices = (0..<header.times).map { _ in Int(reader.unsigned(length: 1)) }
    var types: [Int] = []
    for _ in 0..<header.types {
      let offset = Int(reader.signed(length: 4))
      guard TimeZoneRule.offsets.contains(offset) else { return false }
      types.append(offset)
      // Whether it is daylight saving time, and the place of the abbreviation.
      _ = reader.unsigned(length: 2)
    }
    guard indices.allSatisfy({ $0 < types.count }) else { return false }
    offsets = indices.map { types[$0] }
    first = types[0]
    return true
  }
}

extension TimeZoneFile {
  /// The first 44 bytes of a block of data.
  private struct Header {
    static let length = 44

    /// 0 for version 1.
    let version: UInt8
    let leapSeconds: Int
    let times: Int
    let types: Int
    private let characters: Int
    /// The bytes of the indicators "standard or wall" and "UT or local".
    private let indicators: Int

    init?(_ bytes: ArraySlice<UInt8>) {
      guard bytes.count >= Self.length, bytes.starts(with: "TZif".utf8) else { return nil }
      var reader = BigEndianReader(bytes.dropFirst(20))
      version = bytes[bytes.startIndex + 4]
      let counts = (0..<6).map { _ in Int(reader.unsigned(length: 4)) }
      guard version == 0 || (UInt8(ascii: "2")...UInt8(ascii: "4")).contains(version),
        counts.allSatisfy({ $0 <= TimeZoneFile.greatestLength })
      else { return nil }
      (leapSeconds, times, types, characters) = (counts[2], counts[3], counts[4], counts[5])
      indicators = counts[0] + counts[1]
    }

    func dataLength(timeLength: Int) -> Int {
      times * (timeLength + 1) + types * 6 + characters + leapSeconds * (timeLength + 4) + indicators
    }
  }
}

/// Reads integers with the highest byte first.
private struct BigEndianReader {
  private var rest: ArraySlice<UInt8>

  init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

  /// - Returns: missing bytes count as none.
  mutating func unsigned(length: Int) -> UInt64 {
    defer { rest = rest.dropFirst(length) }
    return rest.prefix(length).reduce(0) { $0 << 8 | UInt64($1) }
  }

  mutating func signed(length: Int) -> Int64 {
    let shift = UInt64(64 - length * 8)
    return Int64(bitPattern: unsigned(length: length) << shift) >> Int64(shift)
  }
}
