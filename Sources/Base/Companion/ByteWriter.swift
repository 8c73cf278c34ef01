/// Encodes the fields of a message, integers little-endian.
package struct ByteWriter {
  /// The fields added so far.
  package private(set) var bytes: [UInt8] = []

  /// Creates an empty message.
  package init() {}

  /// Adds one byte.
  package mutating func byte(_ value: UInt8) { bytes.append(value) }

  /// Adds an integer.
  package mutating func integer<Integer: FixedWidthInteger>(_ value: Integer) {
    for index in 0..<Integer.bitWidth / 8 { bytes.append(UInt8(truncatingIfNeeded: value >> Integer(index * 8))) }
  }

  /// Adds a text after a byte with its length. A text of more than 255 bytes is cut: the caller excludes it.
  package mutating func text(_ text: [UInt8]) {
    let cut = text.prefix(255)
    bytes.append(UInt8(cut.count))
    bytes.append(contentsOf: cut)
  }

  /// Adds a text after two bytes with its length. A text of more than 65,535 bytes is cut: the caller excludes it.
  package mutating func longText(_ text: [UInt8]) {
    let cut = text.prefix(Int(UInt16.max))
    integer(UInt16(cut.count))
    bytes.append(contentsOf: cut)
  }

  /// The message, with its length as four bytes at `place`.
  package mutating func finish(lengthAt place: Int) -> [UInt8] {
    for index in 0..<4 { bytes[place + index] = UInt8(truncatingIfNeeded: bytes.count >> (index * 8)) }
    return bytes
  }
}
