import HAL
import Model

/// TI TMP102: data sheet SBOS397, "Temperature register", with the tables of the 12-bit and 13-bit data formats.
struct TMP102: ChipDriver {
  static let sensor = ChipSensor(
    "tmp102", "TI TMP102 temperature", address: 0x48, ["value": "°C"],
    // "12-bit temperature data format", and the first row of the 13-bit one.
    examples: [
      .words([0: 0x7FF0], ["value": 127.9375]), .words([0: 0x1900], ["value": 25]),
      .words([0: 0x0040], ["value": 0.25]), .words([0: 0xFFC0], ["value": -0.25]), .words([0: 0xE700], ["value": -25]),
      .words([0: 0x4B01], ["value": 150]),
    ]
  ) { TMP102(address: $0) }

  let address: UInt8

  func collect(_ bus: inout some I2CTransport) throws(HALError.Fault) -> [String: Measurement]? {
    ["value": Measurement(Self.celsius(try bus.readWord(address, 0x00)))]
  }

  /// The upper 12 bits of the word, or 13 when bit 0 is set (extended mode), in two's complement; 0.0625 °C per count.
  static func celsius(_ word: UInt16) -> Double {
    let value = Int16(bitPattern: word)
    return Double(word & 1 == 1 ? value >> 3 : value >> 4) * 0.0625
  }
}
