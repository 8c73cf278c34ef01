/// Decodes the fields of a message; every function returns nil when the bytes are too short.
package struct ByteReader {
  private let bytes: [UInt8]
  private var place = 0

  /// Begins at the first byte.
  package init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// Whether nothing is left, as where an earlier layout ended.
  package var isAtEnd: Bool { place == bytes.count }

  /// The next byte.
  package mutating func byte() -> UInt8? {
    guard place < bytes.count else { return nil }
    place += 1
    return bytes[place - 1]
  }

  /// The next integer, little-endian.
  package mutating func integer<Integer: FixedWidthInteger>() -> Integer? {
    let size = Integer.bitWidth / 8
    guard bytes.count - place >= size else { return nil }
    var value: Integer = 0
    for index in 0..<size { value |= Integer(truncatingIfNeeded: bytes[place + index]) << Integer(index * 8) }
    place += size
    return value
  }

  /// The next text, after a byte with its length.
  package mutating func text() -> [UInt8]? {
    guard let count = byte() else { return nil }
    return take(Int(count))
  }

  /// The next text, after two bytes with its length.
  package mutating func longText() -> [UInt8]? {
    guard let count: UInt16 = integer() else { return nil }
    return take(Int(count))
  }

  private mutating func take(_ count: Int) -> [UInt8]? {
    guard bytes.count - place >= count else { return nil }
    place += count
    return Array(bytes[place - count..<place])
  }
}
