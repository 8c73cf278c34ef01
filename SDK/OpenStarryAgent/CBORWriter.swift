/// Writes values as CBOR.
struct CBORWriter {
  private(set) var bytes: [UInt8] = []

  init() { bytes.reserveCapacity(64) }

  mutating func write(_ value: Value) {
    switch value {
    case .null: bytes.append(CBORSimple.null)
    case .bool(let value): bytes.append(value ? CBORSimple.true : CBORSimple.false)
    case .int(let value):
      if value < 0 {
        head(CBORMajorType.negative, UInt64(~value))
      } else {
        head(CBORMajorType.unsigned, UInt64(value))
      }
    case .double(let value): write(value)
    case .string(let value): write(value)
    case .bytes(let value):
      head(CBORMajorType.bytes, UInt64(value.count))
      bytes += value
    case .list(let values):
      head(CBORMajorType.list, UInt64(values.count))
      for value in values { write(value) }
    case .map(let fields):
      head(CBORMajorType.map, UInt64(fields.count))
      for field in fields {
        write(field.key)
        write(field.value)
      }
    }
  }

  mutating func write(_ text: String) {
    let text = text.utf8
    head(CBORMajorType.text, UInt64(text.count))
    bytes.append(contentsOf: text)
  }

  /// The head of a map of `count` entries, which the caller writes next.
  mutating func beginMap(_ count: Int) { head(CBORMajorType.map, UInt64(count)) }

  private mutating func write(_ number: Double) {
    guard number.isFinite else { return bytes.append(CBORSimple.null) }
    bytes.append(CBORSimple.double)
    append(number.bitPattern, width: 8)
  }

  /// The type and the shortest form of its argument.
  private mutating func head(_ type: UInt8, _ argument: UInt64) {
    let type = type << 5
    switch argument {
    case ..<24: bytes.append(type | UInt8(argument))
    case ...0xFF:
      bytes.append(type | 24)
      append(argument, width: 1)
    case ...0xFFFF:
      bytes.append(type | 25)
      append(argument, width: 2)
    case ...0xFFFF_FFFF:
      bytes.append(type | 26)
      append(argument, width: 4)
    default:
      bytes.append(type | 27)
      append(argument, width: 8)
    }
  }

  private mutating func append(_ number: UInt64, width: Int) {
    for place in 0..<width { bytes.append(UInt8(truncatingIfNeeded: number >> UInt64(8 * (width - 1 - place)))) }
  }
}
