import HAL

/// Bosch BME280 and BMP280: BST-BME280-DS002 and BST-BMP280-DS001, "Memory map" and "Forced mode".
///
/// Each measurement is forced: one sample of each quantity, and the chip sleeps in between. Temperature in °C, pressure
/// in hPa, humidity in %.
struct BoschEnvironment: ChipDriver {
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

  mutating func measure(_ bus: inout some I2CTransport) throws(HALError.Fault) -> [String: Measurement] {
    if compensation == nil { compensation = try prepare(&bus) }
    // ctrl_hum comes into force with the next write to ctrl_meas: humidity ×1; temperature ×1, pressure ×1, forced.
    if model == .bme280 { try bus.write(address, [0xF2, 0b001]) }
    try bus.write(address, [0xF4, 0b001_001_01])
    // 9.3 ms at most for all three (BME280, appendix "Measurement time").
    bus.pause(.milliseconds(10))
    try wait(&bus, for: 0b1000, "measuring")
    let data = try bus.read(address, 0xF7, model == .bme280 ? 8 : 6)
    return compensation.map { quantities(data, $0) } ?? [:]
  }

  private func prepare(_ bus: inout some I2CTransport) throws(HALError.Fault) -> BoschCompensation {
    let id = try bus.read(address, 0xD0, 1)[0]
    guard id == model.rawValue else {
      let other = Model(rawValue: id).map { ", which is a \($0)" } ?? ""
      throw .protocolViolation("not a \(model): its id is \(hexadecimal(id))\(other)")
    }
    // im_update: the calibration is still being copied after power-on.
    try wait(&bus, for: 0b0001, "starting")
    var compensation = BoschCompensation(try bus.read(address, 0x88, 24))
    if model == .bme280 {
      let first = try bus.read(address, 0xA1, 1)[0]
      compensation.addHumidity(first, try bus.read(address, 0xE1, 7))
    }
    return compensation
  }

  /// Waits until a bit of the status register (0xF3) is clear.
  private func wait(_ bus: inout some I2CTransport, for bit: UInt8, _ what: String) throws(HALError.Fault) {
    for _ in 0..<10 {
      if try bus.read(address, 0xF3, 1)[0] & bit == 0 { return }
      bus.pause(.milliseconds(2))
    }
    throw .protocolViolation("the \(model) has been \(what) for too long")
  }

  /// Takes the burst from 0xF7 on apart. 0x80000 (0x8000 for humidity) stands for a quantity that was skipped.
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
