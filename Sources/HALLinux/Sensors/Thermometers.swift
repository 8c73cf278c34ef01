import HAL

/// TI TMP102: data sheet SBOS397, "Temperature register", with the tables of the 12-bit and 13-bit data formats.
struct TMP102: ChipDriver {
  let address: UInt8

  func measure(_ bus: inout some I2CTransport) throws(HALError.Fault) -> [String: Measurement] {
    ["value": Measurement(Self.celsius(try bus.readWord(address, 0x00)))]
  }

  /// 12 bits at the top of the word, 13 when bit 0 says so (extended mode); 0.0625 °C each, two's complement.
  static func celsius(_ word: UInt16) -> Double {
    let value = Int16(bitPattern: word)
    return Double(word & 1 == 1 ? value >> 3 : value >> 4) * 0.0625
  }
}

/// LM75 and its kin: NXP LM75B data sheet, "Temperature register (Temp)"; TI LM75 (SNIS153) has the same format with
/// fewer bits.
struct LM75: ChipDriver {
  let address: UInt8

  func measure(_ bus: inout some I2CTransport) throws(HALError.Fault) -> [String: Measurement] {
    ["value": Measurement(Self.celsius(try bus.readWord(address, 0x00)))]
  }

  /// 11 bits at the top of the word, 0.125 °C each, two's complement; the bits below are not defined.
  static func celsius(_ word: UInt16) -> Double { Double(Int16(bitPattern: word) >> 5) * 0.125 }
}

/// Microchip MCP9808: data sheet DS25095, "Ambient temperature register (T_A)", "Manufacturer ID register",
/// "Device ID and revision register".
struct MCP9808: ChipDriver {
  let address: UInt8
  private var isKnown = false

  init(address: UInt8) { self.address = address }

  mutating func measure(_ bus: inout some I2CTransport) throws(HALError.Fault) -> [String: Measurement] {
    if !isKnown {
      let maker = try bus.readWord(address, 0x06)
      let device = try bus.readWord(address, 0x07)
      guard maker == 0x0054, device >> 8 == 0x04 else {
        throw .protocolViolation(
          "not an MCP9808: manufacturer \(hexadecimal(maker)) (0x54 expected), device \(hexadecimal(device >> 8)) (0x4)"
        )
      }
      isKnown = true
    }
    return ["value": Measurement(Self.celsius(try bus.readWord(address, 0x05)))]
  }

  /// Three alert flags, then 13 bits in two's complement, 0.0625 °C each.
  static func celsius(_ word: UInt16) -> Double { Double(Int16(bitPattern: word << 3) >> 3) * 0.0625 }
}
