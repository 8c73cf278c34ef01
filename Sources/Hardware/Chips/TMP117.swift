import HAL
import Model

/// TI TMP117, ±0.1 °C: data sheet SNOSD82, "Register map", "16-bit temperature data format" and "One-shot mode".
struct TMP117: ChipDriver {
  static let sensor = ChipSensor(
    "tmp117", "TI TMP117 temperature", address: 0x48, ["value": "°C"],
    // "16-bit temperature data format".
    examples: [
      .words([0x00: 0x7FFF, 0x0F: 0x0117], ["value": 255.9921875]),
      .words([0x00: 0x0C80, 0x0F: 0x0117], ["value": 25], leaves: [0x01: 0x0C20]),
      .words([0x00: 0x0001, 0x0F: 0x0117], ["value": 0.0078125]),
      .words([0x00: 0xFFFF, 0x0F: 0x0117], ["value": -0.0078125]),
      .words([0x00: 0xF380, 0x0F: 0x0117], ["value": -25]),
    ]
  ) { TMP117(address: $0) }

  let address: UInt8
  private var isKnown = false

  init(address: UInt8) { self.address = address }

  mutating func start(_ bus: inout some I2CTransport) throws(HALError.Fault) -> Duration {
    if !isKnown {
      // The upper four bits are the revision.
      let identity = try bus.readWord(address, 0x0F)
      guard identity & 0x0FFF == 0x117 else {
        throw .protocolViolation("not a TMP117: its device ID is \(hexadecimal(identity)) (0x117 expected)")
      }
      isKnown = true
    }
    // One shot (MOD 11) of eight samples (AVG 01). Then the chip shuts down, which avoids self-heating.
    try bus.write(address, [0x01, 0x0C, 0x20])
    // 17.5 ms per sample at most.
    return .milliseconds(140)
  }

  func collect(_ bus: inout some I2CTransport) throws(HALError.Fault) -> [String: Measurement]? {
    let word = try bus.readWord(address, 0x00)
    // The value from power-on to the end of the first conversion.
    if word == 0x8000 { return nil }
    return ["value": Measurement(Double(Int16(bitPattern: word)) * 0.0078125)]
  }
}
