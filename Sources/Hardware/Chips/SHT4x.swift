import HAL
import Model

/// Sensirion SHT4x: data sheet, "Command overview", "Checksum calculation" and "Conversion of signal output".
/// Temperature in °C, humidity in %.
struct SHT4x: ChipDriver {
  static let sensor = ChipSensor(
    "sht4x", "Sensirion SHT4x temperature, humidity", address: 0x44, ["temperature": "°C", "humidity": "%"],
    examples: [
      .answer(
        [0x66, 0x66, 0x93, 0x80, 0x00, 0xA2], ["temperature": 25, "humidity": -6 + 125 * 32768.0 / 65535],
        within: 0.001)
    ]
  ) { SHT4x(address: $0) }

  let address: UInt8

  func start(_ bus: inout some I2CTransport) throws(HALError.Fault) -> Duration {
    // High precision; 8.3 ms at most.
    try bus.write(address, [0xFD])
    return .milliseconds(9)
  }

  func collect(_ bus: inout some I2CTransport) throws(HALError.Fault) -> [String: Measurement]? {
    let data = try bus.transfer(address, write: [], read: 6)
    let (temperature, humidity) = (try checkedWord(data, 0), try checkedWord(data, 3))
    return [
      "temperature": Measurement(-45 + 175 * Double(temperature) / 65535),
      // The formula exceeds 0 to 100 at its ends; the data sheet says to clamp it.
      "humidity": Measurement(min(max(-6 + 125 * Double(humidity) / 65535, 0), 100)),
    ]
  }
}
