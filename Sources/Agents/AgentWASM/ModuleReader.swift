/// Reads numbers, names and types of the binary format. Every step is checked against the end.
struct ModuleReader {
  private let bytes: ArraySlice<UInt8>
  private(set) var position: Int

  init(_ bytes: [UInt8]) {
    self.bytes = bytes[...]
    position = 0
  }

  private init(_ bytes: ArraySlice<UInt8>) {
    self.bytes = bytes
    position = bytes.startIndex
  }

  var isAtEnd: Bool { position == bytes.endIndex }

  mutating func skip() { position = bytes.endIndex }

  mutating func byte() throws(ModuleFault) -> UInt8 {
    guard position < bytes.endIndex else { throw ModuleFault("it is truncated", at: position) }
    defer { position += 1 }
    return bytes[position]
  }

  mutating func take(_ count: Int) throws(ModuleFault) -> ArraySlice<UInt8> {
    guard count >= 0, count <= bytes.endIndex - position else { throw ModuleFault("it is truncated", at: position) }
    defer { position += count }
    return bytes[position..<position + count]
  }

  mutating func section(_ size: Int) throws(ModuleFault) -> ModuleReader { ModuleReader(try take(size)) }

  /// An unsigned LEB128 number of at most `bits`.
  mutating func number(bits: Int) throws(ModuleFault) -> UInt64 {
    let start = position
    var (value, shift): (UInt64, Int) = (0, 0)
    while true {
      let next = try byte()
      let part = UInt64(next & 0x7F)
      guard shift < bits, shift + 7 <= bits || part >> UInt64(bits - shift) == 0 else {
        throw ModuleFault("a number is longer than \(bits) bits", at: start)
      }
      value |= part << UInt64(shift)
      if next & 0x80 == 0 { return value }
      shift += 7
    }
  }

  /// A number of elements that follow, each of at least one byte; more than the remaining bytes is an error.
  mutating func count() throws(ModuleFault) -> Int { try count(limit: UInt32(clamping: bytes.endIndex - position)) }

  mutating func count(limit: UInt32) throws(ModuleFault) -> Int {
    let start = position
    let value = try number(bits: 32)
    guard value <= limit else { throw ModuleFault("\(value) elements, more than the remaining bytes allow", at: start) }
    return Int(value)
  }

  mutating func name() throws(ModuleFault) -> String {
    let start = position
    let length = try count()
    guard let name = String(validating: try take(length), as: UTF8.self) else {
      throw ModuleFault("a name is not UTF-8", at: start)
    }
    return name
  }

  mutating func functionType() throws(ModuleFault) -> Signature {
    let place = position
    guard try byte() == 0x60 else { throw ModuleFault("a type that is not a function's", at: place) }
    return Signature(parameters: try valueTypes(), results: try valueTypes())
  }

  private mutating func valueTypes() throws(ModuleFault) -> [UInt8] {
    var types: [UInt8] = []
    for _ in 0..<(try count()) {
      let place = position
      switch try byte() {
      case 0x7F: types.append(UInt8(ascii: "i"))
      case 0x7E: types.append(UInt8(ascii: "I"))
      case 0x7D: types.append(UInt8(ascii: "f"))
      case 0x7C: types.append(UInt8(ascii: "F"))
      case 0x70, 0x6F: types.append(UInt8(ascii: "r"))
      case 0x7B: throw ModuleFault("it uses SIMD, which is off: build without -msimd128", at: place)
      case let other: throw ModuleFault("value type 0x\(String(other, radix: 16)) is not supported", at: place)
      }
    }
    return types
  }

  mutating func memory() throws(ModuleFault) -> ModuleOutline.Memory {
    let place = position
    let flags = try byte()
    guard flags <= 1 else { throw ModuleFault("shared and 64-bit memories are not supported", at: place) }
    let initial = try number(bits: 32)
    return ModuleOutline.Memory(initial: initial, maximum: flags == 1 ? try number(bits: 32) : nil)
  }
}
