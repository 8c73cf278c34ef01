extension WireShape {
  /// The shape as a CBOR map.
  package var cbor: [UInt8] {
    var (copy, counter) = (self, FieldCounter())
    copy.visit(&counter)
    var writer = CBORFieldWriter()
    writer.writer.beginMap(counter.count)
    copy.visit(&writer)
    return writer.writer.bytes
  }

  /// Reads a CBOR map, without a tree of values in between. Unknown fields are ignored.
  /// - Throws: `invalid` for bytes that are not a map in CBOR, and if a required field is missing or of the wrong kind.
  package init(cbor bytes: [UInt8]) throws(AgentError) {
    self.init()
    var reader = try CBORFieldReader(bytes, title: Self.title)
    while !reader.isAtEnd {
      let before = reader.entriesLeft
      try reader.visit(&self)
      // The key is of no field.
      if reader.entriesLeft == before { try reader.skip() }
    }
    try reader.finish()
    if reader.mayMiss { try reader.visit(&self) }
  }
}

private struct FieldCounter: FieldPass {
  var count = 0
  mutating func field(_ name: String, former: String, isRequired: Bool, _ value: inout some WireField) { count += 1 }
}

private struct CBORFieldWriter: FieldPass {
  var writer = CBORWriter()

  mutating func field(_ name: String, former: String, isRequired: Bool, _ value: inout some WireField) {
    writer.write(name)
    writer.write(value.binaryValue)
  }
}

/// Reads entries as long as they come in the order of the fields: one visit reads all that the daemon writes. For others
/// the fields are visited again.
private struct CBORFieldReader: FieldPass {
  private var reader: CBORReader
  private let title: String
  /// Entries that were not read yet, the current one included.
  private(set) var entriesLeft: Int
  private var key = 0..<0
  /// A bit for each field that was read, in the order of the fields.
  private var found: UInt32 = 0
  private var bit: UInt32 = 1
  /// Whether the last visit came to a required field that was not read yet.
  private(set) var mayMiss = true

  init(_ bytes: [UInt8], title: String) throws(AgentError) {
    self.title = title
    reader = CBORReader(bytes)
    entriesLeft = try reader.beginMap()
    if entriesLeft > 0 { key = try reader.key() }
  }

  var isAtEnd: Bool { entriesLeft == 0 }

  func finish() throws(AgentError) { try reader.finish() }

  mutating func visit(_ shape: inout some WireShape) throws(AgentError) {
    (bit, mayMiss) = (1, false)
    try shape.visit(&self)
  }

  mutating func skip() throws(AgentError) {
    _ = try reader.value()
    try next()
  }

  mutating func field<Field: WireField>(
    _ name: String, former: String, isRequired: Bool, _ value: inout Field
  ) throws(AgentError) {
    defer { bit <<= 1 }
    if !isAtEnd && reader.holds(name, at: key) {
      if let read = try Field.read(&reader) {
        value = read
        found |= bit
      } else if isRequired && found & bit == 0 {
        mayMiss = true
      }
      try next()
    } else if isRequired && found & bit == 0 {
      if isAtEnd { throw .missing(name, in: title) }
      mayMiss = true
    } else if !isAtEnd && !former.isEmpty && reader.holds(former, at: key) {
      if let read = try Field.read(&reader), found & bit == 0 { value = read }
      try next()
    }
  }

  private mutating func next() throws(AgentError) {
    entriesLeft -= 1
    if entriesLeft > 0 { key = try reader.key() }
  }
}
