import HAL
import Model

/// Microchip MCP9808: data sheet DS25095, "Ambient temperature register (T_A)", "Manufacturer ID register",
/// "Device ID and revision register".
struct MCP9808: ChipDriver {
  static let sensor = ChipSensor(
    "mcp9808", "Microchip MCP9808 temperature", address: 0x18, ["value": "°C"],
    // The data sheet's example with its alert flags set, and its negative.
    examples: [
      .words([5: 0xC194, 6: 0x0054, 7: 0x0400], ["value": 25.25]),
      .words([5: 0x1E6C, 6: 0x0054, 7: 0x0400], ["value": -25.25]),
    ]
  ) { MCP9808(address: $0) }

  let address: UInt8
  private var isKnown = false

  init(address: UInt8) { self.address = address }

  mutating func collect(_ bus: inout some I2CTransport) throws(HALError.Fault) -> [String: Measurement]? {
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

  /// Three alert flags, then 13 bits in two's complement, 0.0625 °C per count.
  static func celsius(_ word: UInt16) -> Double { Double(Int16(bitPattern: word << 3) >> 3) * 0.0625 }
}
