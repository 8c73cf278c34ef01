import HAL
import Model

/// Sensirion SHT3x-DIS: data sheet version 5 (May 2018), "Measurement commands for single shot data acquisition mode",
/// sections 4.12 "Checksum calculation" and 4.13 "Conversion of signal output". Temperature in °C, humidity in %.
struct SHT3x: ChipDriver {
  let address: UInt8

  func measure(_ bus: inout some I2CTransport) throws(HALError.Fault) -> [String: Measurement] {
    // High repeatability without clock stretching; 15.5 ms at most.
    try bus.write(address, [0x24, 0x00])
    bus.pause(.milliseconds(16))
    let data = try bus.transfer(address, write: [], read: 6)
    let (temperature, humidity) = (try checkedWord(data, 0), try checkedWord(data, 3))
    return [
      "temperature": Measurement(-45 + 175 * Double(temperature) / 65535),
      "humidity": Measurement(100 * Double(humidity) / 65535),
    ]
  }
}

/// Sensirion SHT4x: data sheet, "Command overview", "Checksum calculation" and "Conversion of signal output".
/// Temperature in °C, humidity in %.
struct SHT4x: ChipDriver {
  let address: UInt8

  func measure(_ bus: inout some I2CTransport) throws(HALError.Fault) -> [String: Measurement] {
    // High precision; 8.3 ms at most.
    try bus.write(address, [0xFD])
    bus.pause(.milliseconds(9))
    let data = try bus.transfer(address, write: [], read: 6)
    let (temperature, humidity) = (try checkedWord(data, 0), try checkedWord(data, 3))
    return [
      "temperature": Measurement(-45 + 175 * Double(temperature) / 65535),
      // The formula leaves 0 to 100 at its ends; the data sheet has it cut off there.
      "humidity": Measurement(min(max(-6 + 125 * Double(humidity) / 65535, 0), 100)),
    ]
  }
}

/// Aosong AHT20: product manual, "Sensor reading process" and "Signal conversion". Temperature in °C, humidity in %.
struct AHT20: ChipDriver {
  let address: UInt8
  private var isReady = false

  init(address: UInt8) { self.address = address }

  mutating func measure(_ bus: inout some I2CTransport) throws(HALError.Fault) -> [String: Measurement] {
    if !isReady { try prepare(&bus) }
    try bus.write(address, [0xAC, 0x33, 0x00])
    bus.pause(.milliseconds(80))
    var data = try bus.transfer(address, write: [], read: 7)
    // Bit 7: still measuring.
    for _ in 0..<5 where data[0] & 0x80 != 0 {
      bus.pause(.milliseconds(10))
      data = try bus.transfer(address, write: [], read: 7)
    }
    guard data[0] & 0x80 == 0 else { throw .protocolViolation("the AHT20 has been measuring for too long") }
    guard sensirionChecksum(data[0..<6]) == data[6] else { throw .checksum }
    let humidity = UInt32(data[1]) << 12 | UInt32(data[2]) << 4 | UInt32(data[3]) >> 4
    let temperature = UInt32(data[3] & 0x0F) << 16 | UInt32(data[4]) << 8 | UInt32(data[5])
    // Bit 3: calibrated.
    let quality: Reading.Quality = data[0] & 0x08 != 0 ? .good : .suspect
    return [
      "temperature": Measurement(Double(temperature) / 1_048_576 * 200 - 50, quality: quality),
      "humidity": Measurement(Double(humidity) / 1_048_576 * 100, quality: quality),
    ]
  }

  /// Loads the calibration when the chip has not done so by itself.
  private mutating func prepare(_ bus: inout some I2CTransport) throws(HALError.Fault) {
    if try bus.transfer(address, write: [], read: 1)[0] & 0x08 == 0 {
      try bus.write(address, [0xBE, 0x08, 0x00])
      bus.pause(.milliseconds(10))
    }
    isReady = true
  }
}
