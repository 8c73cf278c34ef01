/// CRC-32 of ISO 3309 and zlib (polynomial 0x04C11DB7, reflected); detects flipped bits in stored rows and records.
package struct Checksum {
  private static let table: [UInt32] = (0..<256).map { index in
    var value = UInt32(index)
    for _ in 0..<8 { value = value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1 }
    return value
  }

  private var state: UInt32 = .max

  /// The checksum of nothing.
  package init() {}

  /// The checksum of everything added so far.
  package var value: UInt32 { ~state }

  /// Adds bytes.
  package mutating func add(_ bytes: some Sequence<UInt8>) {
    let table = Self.table
    var state = self.state
    for byte in bytes { state = state >> 8 ^ table[Int(UInt8(truncatingIfNeeded: state) ^ byte)] }
    self.state = state
  }

  mutating func add(_ number: Int64) {
    add((0..<8).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) })
  }

  /// Adds a cell's kind, length and content, so that different rows cannot give the same bytes.
  mutating func add(_ cell: Cell) {
    switch cell {
    case .null: add(0)
    case .integer(let number):
      add(1)
      add(number)
    case .text(let text):
      add(2)
      add(Int64(text.utf8.count))
      add(Array(text.utf8))
    case .blob(let blob):
      add(3)
      add(Int64(blob.count))
      add(blob)
    }
  }

  /// The checksum of a row for its column `sum`.
  static func of(_ row: some Sequence<Cell>) -> Cell {
    var checksum = Checksum()
    for cell in row { checksum.add(cell) }
    return .integer(Int64(checksum.value))
  }
}
