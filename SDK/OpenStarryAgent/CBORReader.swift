/// Parses a CBOR item in one pass.
package struct CBORReader {
  private let bytes: [UInt8]
  private var offset = 0
  private var depth = 0
  private var valuesLeft: Int

  init(_ bytes: [UInt8], values: Int = .max) {
    self.bytes = bytes
    valuesLeft = values
  }

  /// The next value.
  mutating func value() throws(AgentError) -> Value {
    let start = offset
    guard valuesLeft > 0 else { throw wrong("no more values", at: start) }
    valuesLeft -= 1
    let (first, argument) = try head()
    switch first >> 5 {
    case CBORMajorType.unsigned: return .int(try integer(argument, at: start))
    case CBORMajorType.negative: return .int(~(try integer(argument, at: start)))
    case CBORMajorType.bytes: return .bytes(Array(bytes[try take(argument)]))
    case CBORMajorType.text: return .string(try text(try take(argument)))
    case CBORMajorType.list: return .list(try list(argument))
    case CBORMajorType.map: return .map(try map(argument))
    case CBORMajorType.tag: throw wrong("no tag", at: start)
    default: return try simple(first, argument, at: start)
    }
  }

  /// Takes a null if one comes next.
  mutating func takeNull() -> Bool {
    guard valuesLeft > 0, offset < bytes.count, bytes[offset] == CBORSimple.null else { return false }
    valuesLeft -= 1
    offset += 1
    return true
  }

  /// Takes a string of 16 bytes if one comes next, as two words, most significant byte first; nil otherwise.
  mutating func take16Bytes() -> (high: UInt64, low: UInt64)? {
    guard valuesLeft > 0, bytes.count - offset > 16, bytes[offset] == CBORMajorType.bytes << 5 | 16 else { return nil }
    valuesLeft -= 1
    defer { offset += 17 }
    return (word(at: offset + 1), word(at: offset + 9))
  }

  /// The number of entries of the map that comes next.
  mutating func beginMap() throws(AgentError) -> Int {
    let start = offset
    let (first, count) = try head()
    guard first >> 5 == CBORMajorType.map else { throw wrong("a map", at: start) }
    return try self.count(count, bytesEach: 2)
  }

  /// The place of the key that comes next. Its bytes are not checked to be UTF-8.
  mutating func key() throws(AgentError) -> Range<Int> {
    let start = offset
    let (first, length) = try head()
    guard first >> 5 == CBORMajorType.text else { throw wrong("a text as key", at: start) }
    return try take(length)
  }

  /// Whether the bytes of `range` are those of `text`.
  func holds(_ text: String, at range: Range<Int>) -> Bool {
    guard text.utf8.count == range.count else { return false }
    var text = text
    return unsafe bytes.withUnsafeBufferPointer { bytes in
      text.withUTF8 { unsafe $0.isSame(as: UnsafeBufferPointer(rebasing: bytes[range])) }
    }
  }

  /// Checks that nothing follows.
  func finish() throws(AgentError) {
    guard offset == bytes.count else { throw wrong("the end", at: offset) }
  }

  private mutating func list(_ length: UInt64) throws(AgentError) -> [Value] {
    let count = try count(length, bytesEach: 1)
    try open()
    var values: [Value] = []
    values.reserveCapacity(min(count, valuesLeft))
    for _ in 0..<count { values.append(try value()) }
    depth -= 1
    return values
  }

  private mutating func map(_ length: UInt64) throws(AgentError) -> Fields {
    let count = try count(length, bytesEach: 2)
    try open()
    var entries = MapEntries(capacity: min(count, valuesLeft))
    for _ in 0..<count {
      let start = offset
      guard entries.insert(try text(try key())) else { throw wrong("a key that is not a duplicate", at: start) }
      entries.setLast(try value())
    }
    depth -= 1
    return entries.fields
  }

  private mutating func open() throws(AgentError) {
    depth += 1
    if depth > JSONText.depth { throw wrong("at most \(JSONText.depth) nested lists and maps") }
  }

  /// The initial byte, and its argument (RFC 8949, section 3).
  private mutating func head() throws(AgentError) -> (first: UInt8, argument: UInt64) {
    guard offset < bytes.count else { throw wrong("a value") }
    let first = bytes[offset]
    offset += 1
    let short = first & 31
    if short < 24 { return (first, UInt64(short)) }
    guard short <= 27 else { throw wrong("a definite length", at: offset - 1) }
    let width = 1 << Int(short - 24)
    guard bytes.count - offset >= width else { throw wrong("\(width) more bytes") }
    defer { offset += width }
    if width == 8 { return (first, word(at: offset)) }
    var argument: UInt64 = 0
    for place in offset..<offset + width { argument = argument << 8 | UInt64(bytes[place]) }
    return (first, argument)
  }

  /// The 8 bytes from `place`, which must be there, most significant first.
  private func word(at place: Int) -> UInt64 {
    precondition(place + 8 <= bytes.count)
    // SAFETY: the bytes are there. One load costs a guest a tenth of a loop's instructions.
    return unsafe bytes.withUnsafeBytes {
      unsafe UInt64(bigEndian: $0.loadUnaligned(fromByteOffset: place, as: UInt64.self))
    }
  }

  private func integer(_ argument: UInt64, at start: Int) throws(AgentError) -> Int64 {
    guard let value = Int64(exactly: argument) else { throw wrong("an integer of 64 bits", at: start) }
    return value
  }

  private func simple(_ first: UInt8, _ argument: UInt64, at start: Int) throws(AgentError) -> Value {
    let number: Double
    switch first {
    case CBORSimple.false: return .bool(false)
    case CBORSimple.true: return .bool(true)
    case CBORSimple.null: return .null
    case CBORSimple.half: number = Self.half(argument)
    case CBORSimple.single: number = Double(Float(bitPattern: UInt32(truncatingIfNeeded: argument)))
    case CBORSimple.double: number = Double(bitPattern: argument)
    default: throw wrong("true, false, null or a number", at: start)
    }
    guard number.isFinite else { throw wrong("a finite number", at: start) }
    return .double(number)
  }

  /// A number of 16 bits (IEEE 754 binary16). Not every processor converts it.
  private static func half(_ bits: UInt64) -> Double {
    let (exponent, fraction) = (bits >> 10 & 31, bits & 1023)
    let magnitude =
      switch exponent {
      case 0: Double(fraction) * 0x1p-24
      case 31: Double.infinity
      default: Double(bitPattern: (exponent + 1008) << 52 | fraction << 42)
      }
    return bits >> 15 & 1 == 1 ? -magnitude : magnitude
  }

  /// So many elements of at least so many bytes; more than the bytes that are left cannot follow.
  private func count(_ count: UInt64, bytesEach: UInt64) throws(AgentError) -> Int {
    guard count <= UInt64(bytes.count - offset) / bytesEach else { throw wrong("\(count) elements") }
    return Int(count)
  }

  private mutating func take(_ length: UInt64) throws(AgentError) -> Range<Int> {
    guard length <= UInt64(bytes.count - offset) else { throw wrong("\(length) more bytes") }
    let start = offset
    offset += Int(length)
    return start..<offset
  }

  private func text(_ range: Range<Int>) throws(AgentError) -> String {
    let holdsZero = unsafe bytes.withUnsafeBufferPointer { unsafe UnsafeBufferPointer(rebasing: $0[range]).holdsZero }
    guard !holdsZero, let text = String(validating: bytes[range], as: UTF8.self) else {
      throw wrong("UTF-8 without a zero byte", at: range.lowerBound)
    }
    return text
  }

  private func wrong(_ expected: String, at place: Int? = nil) -> AgentError {
    AgentError(.invalid, "not CBOR: expected \(expected) at byte \(place ?? offset)")
  }
}
