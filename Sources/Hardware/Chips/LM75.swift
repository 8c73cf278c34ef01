import HAL
import Model

/// LM75 and compatible chips: NXP LM75B data sheet, "Temperature register (Temp)". TI LM75 (SNIS153) has the same
/// format with fewer bits.
struct LM75: ChipDriver {
  static let sensor = ChipSensor(
    "lm75", "NXP/TI LM75 temperature", address: 0x48, ["value": "°C"],
    // LM75B, "Temp register value".
    examples: [
      .words([0: 0x7F00], ["value": 127]), .words([0: 0x1900], ["value": 25]), .words([0: 0x0020], ["value": 0.125]),
      .words([0: 0xFFE0], ["value": -0.125]), .words([0: 0xC900], ["value": -55]),
    ]
  ) { LM75(address: $0) }

  let address: UInt8

  func collect(_ bus: inout some I2CTransport) throws(HALError.Fault) -> [String: Measurement]? {
    ["value": Measurement(Self.celsius(try bus.readWord(address, 0x00)))]
  }

  /// The upper 11 bits of the word in two's complement, 0.125 °C per count; the bits below are undefined.
  static func celsius(_ word: UInt16) -> Double { Double(Int16(bitPattern: word) >> 5) * 0.125 }
}
