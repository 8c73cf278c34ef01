import HAL
import Model

/// Aosong AHT20: product manual, "Sensor reading process" and "Signal conversion". Temperature in °C, humidity in %.
struct AHT20: ChipDriver {
  static let sensor = ChipSensor(
    "aht20", "Aosong AHT20 temperature, humidity", address: 0x38, ["temperature": "°C", "humidity": "%"],
    // 0x80000 of 2²⁰ is 50 %, 0x60000 is 25 °C; status 0x1C is calibrated and idle.
    examples: [
      .answer([0x1C, 0x80, 0x00, 0x06, 0x00, 0x00, 0x4E], ["temperature": 25, "humidity": 50], within: 0.001)
    ]
  ) { AHT20(address: $0) }

  let address: UInt8
  /// Whether the chip has loaded its calibration.
  private var isCalibrated = false

  init(address: UInt8) { self.address = address }

  mutating func start(_ bus: inout some I2CTransport) throws(HALError.Fault) -> Duration {
    if !isCalibrated { try prepare(&bus) }
    try bus.write(address, [0xAC, 0x33, 0x00])
    return .milliseconds(80)
  }

  mutating func collect(_ bus: inout some I2CTransport) throws(HALError.Fault) -> [String: Measurement]? {
    let data = try bus.transfer(address, write: [], read: 7)
    // Bit 7: still measuring.
    if data[0] & 0x80 != 0 { return nil }
    guard sensirionChecksum(data[0..<6]) == data[6] else { throw .checksum }
    let humidity = UInt32(data[1]) << 12 | UInt32(data[2]) << 4 | UInt32(data[3]) >> 4
    let temperature = UInt32(data[3] & 0x0F) << 16 | UInt32(data[4]) << 8 | UInt32(data[5])
    // Bit 3: calibrated. After a power loss the chip must load its calibration before the next measurement.
    isCalibrated = data[0] & 0x08 != 0
    let quality: Reading.Quality = isCalibrated ? .good : .suspect
    return [
      "temperature": Measurement(Double(temperature) / 1_048_576 * 200 - 50, quality: quality),
      "humidity": Measurement(Double(humidity) / 1_048_576 * 100, quality: quality),
    ]
  }

  /// Loads the calibration if the chip has not done so by itself.
  private func prepare(_ bus: inout some I2CTransport) throws(HALError.Fault) {
    guard try bus.transfer(address, write: [], read: 1)[0] & 0x08 == 0 else { return }
    try bus.write(address, [0xBE, 0x08, 0x00])
    bus.pause(.milliseconds(10))
  }
}
