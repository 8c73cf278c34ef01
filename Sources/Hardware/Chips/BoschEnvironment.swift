import HAL
import Model

/// Bosch BME280 and BMP280: BST-BME280-DS002 and BST-BMP280-DS001, "Memory map" and "Forced mode".
///
/// Each measurement is forced: one sample of each quantity, and the chip sleeps in between. Temperature in °C, pressure
/// in hPa, humidity in %.
struct BoschEnvironment: ChipDriver {
  static let bme280 = ChipSensor(
    "bme280", "Bosch BME280 temperature, humidity, pressure", address: 0x76,
    ["temperature": "°C", "humidity": "%", "pressure": "hPa"],
    // The BMP280's example. The expected humidity comes from the integer formula (BST-BME280-DS002, section 4.2.3),
    // which the driver does not use, for adc_H 26000 with dig_H1 75, dig_H2 365, dig_H3 0, dig_H4 315, dig_H5 50,
    // dig_H6 30; dig_H4 and dig_H5 share the byte at 0xE5.
    examples: [
      .bytes(
        [
          0xD0: [0x60], 0x88: exampleWords, 0xA1: [75], 0xE1: [0x6D, 0x01, 0x00, 0x13, 0x2B, 0x03, 0x1E],
          0xF7: exampleBurst + [0x65, 0x90],
        ], ["temperature": 25.08, "pressure": 1006.5327, "humidity": 32.2256], within: 0.01, leaves: [0xF2: [0b001]])
    ]
  ) { BoschEnvironment(address: $0, model: .bme280) }

  static let bmp280 = ChipSensor(
    "bmp280", "Bosch BMP280 temperature, pressure", address: 0x76, ["temperature": "°C", "pressure": "hPa"],
    examples: [
      .bytes(
        [0xD0: [0x58], 0x88: exampleWords, 0xF7: exampleBurst], ["temperature": 25.08, "pressure": 1006.5327],
        within: 0.01, leaves: [0xF4: [0b001_001_01]])
    ]
  ) { BoschEnvironment(address: $0, model: .bmp280) }

  /// BST-BMP280-DS001, section 3.12 "Calculating pressure and temperature": dig_T1 27504, dig_T2 26435, dig_T3 -1000,
  /// dig_P1 36477, dig_P2 -10685, dig_P3 3024, dig_P4 2855, dig_P5 140, dig_P6 -7, dig_P7 15500, dig_P8 -14600, dig_P9
  /// 6000.
  private static let exampleWords: [UInt8] = [
    0x70, 0x6B, 0x43, 0x67, 0x18, 0xFC, 0x7D, 0x8E, 0x43, 0xD6, 0xD0, 0x0B, 0x27, 0x0B, 0x8C, 0x00, 0xF9, 0xFF, 0x8C,
    0x3C, 0xF8, 0xC6, 0x70, 0x17,
  ]
  /// adc_P 415148 and adc_T 519888 of the same example, as the burst from register 0xF7 on.
  private static let exampleBurst: [UInt8] = [0x65, 0x5A, 0xC0, 0x7E, 0xED, 0x00]

  /// The two chips, with the answer of register 0xD0 (`id`).
  enum Model: UInt8, Sendable {
    case bmp280 = 0x58
    case bme280 = 0x60
  }

  let address: UInt8
  let model: Model
  private var compensation: BoschCompensation?

  init(address: UInt8, model: Model) {
    self.address = address
    self.model = model
  }

  mutating func start(_ bus: inout some I2CTransport) throws(HALError.Fault) -> Duration {
    if compensation == nil { compensation = try prepare(&bus) }
    // ctrl_hum takes effect with the next write to ctrl_meas: humidity ×1; temperature ×1, pressure ×1, forced.
    if model == .bme280 { try bus.write(address, [0xF2, 0b001]) }
    try bus.write(address, [0xF4, 0b001_001_01])
    // 9.3 ms at most for all three (BME280, appendix "Measurement time").
    return .milliseconds(10)
  }

  func collect(_ bus: inout some I2CTransport) throws(HALError.Fault) -> [String: Measurement]? {
    guard try bus.read(address, 0xF3, 1)[0] & 0b1000 == 0 else { return nil }
    let data = try bus.read(address, 0xF7, model == .bme280 ? 8 : 6)
    return compensation.map { quantities(data, $0) } ?? [:]
  }

  private func prepare(_ bus: inout some I2CTransport) throws(HALError.Fault) -> BoschCompensation {
    let id = try bus.read(address, 0xD0, 1)[0]
    guard id == model.rawValue else {
      let other = Model(rawValue: id).map { ", which is a \($0)" } ?? ""
      throw .protocolViolation("not a \(model): its id is \(hexadecimal(id))\(other)")
    }
    try waitForStart(&bus)
    var compensation = BoschCompensation(try bus.read(address, 0x88, 24))
    if model == .bme280 {
      let first = try bus.read(address, 0xA1, 1)[0]
      compensation.addHumidity(first, try bus.read(address, 0xE1, 7))
    }
    return compensation
  }

  /// Waits until im_update (bit 0 of the status register 0xF3) is clear: after power-on the chip copies its
  /// calibration.
  private func waitForStart(_ bus: inout some I2CTransport) throws(HALError.Fault) {
    for _ in 0..<10 {
      if try bus.read(address, 0xF3, 1)[0] & 0b0001 == 0 { return }
      bus.pause(.milliseconds(2))
    }
    throw .protocolViolation("the \(model) did not finish starting within 20 ms")
  }

  /// Parses the burst from register 0xF7 on. 0x80000 (0x8000 for humidity) marks a skipped quantity.
  private func quantities(_ data: [UInt8], _ compensation: BoschCompensation) -> [String: Measurement] {
    func raw(_ index: Int) -> UInt32 {
      UInt32(data[index]) << 12 | UInt32(data[index + 1]) << 4 | UInt32(data[index + 2]) >> 4
    }
    guard raw(3) != 0x80000 else { return [:] }
    let fine = compensation.fine(raw(3))
    var found = ["temperature": Measurement(compensation.celsius(fine: fine))]
    if raw(0) != 0x80000, let pascal = compensation.pascal(raw(0), fine: fine) {
      found["pressure"] = Measurement(pascal / 100)
    }
    if model == .bme280, bigEndian(data, 6) != 0x8000,
      let humidity = compensation.humidity(bigEndian(data, 6), fine: fine)
    {
      found["humidity"] = Measurement(humidity)
    }
    return found
  }
}
