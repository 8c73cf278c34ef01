import HAL
import Model

/// Sensirion SHT3x-DIS: data sheet version 5 (May 2018), "Measurement commands for single shot data acquisition mode",
/// sections 4.12 "Checksum calculation" and 4.13 "Conversion of signal output". Temperature in °C, humidity in %.
struct SHT3x: ChipDriver {
  static let sensor = ChipSensor(
    "sht3x", "Sensirion SHT3x temperature, humidity", address: 0x44, ["temperature": "°C", "humidity": "%"],
    examples: [
      .answer(
        [0x66, 0x66, 0x93, 0x80, 0x00, 0xA2], ["temperature": 25, "humidity": 100 * 32768.0 / 65535], within: 0.001),
      // 0xBEEF with 0x92 is the checksum's example (table 20).
      .answer(
        [0xBE, 0xEF, 0x92, 0x00, 0x00, 0x81], ["temperature": -45 + 175 * 48879.0 / 65535, "humidity": 0],
        within: 0.001),
    ]
  ) { SHT3x(address: $0) }

  let address: UInt8

  func start(_ bus: inout some I2CTransport) throws(HALError.Fault) -> Duration {
    // High repeatability without clock stretching; 15.5 ms at most.
    try bus.write(address, [0x24, 0x00])
    return .milliseconds(16)
  }

  func collect(_ bus: inout some I2CTransport) throws(HALError.Fault) -> [String: Measurement]? {
    let data = try bus.transfer(address, write: [], read: 6)
    let (temperature, humidity) = (try checkedWord(data, 0), try checkedWord(data, 3))
    return [
      "temperature": Measurement(-45 + 175 * Double(temperature) / 65535),
      "humidity": Measurement(100 * Double(humidity) / 65535),
    ]
  }
}
