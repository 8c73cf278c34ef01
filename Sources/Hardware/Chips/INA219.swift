import HAL
import Model

/// TI INA219 power monitor: data sheet SBOS448, "Programming the calibration register" (equation 1) and
/// "Register maps". `voltage` is the bus voltage in V, `shunt` the voltage across the shunt in V, `current` in A,
/// `power` in W.
struct INA219: ChipDriver {
  static let sensor = ChipSensor(
    "ina219", "TI INA219 voltage, current, power", address: 0x40,
    ["voltage": "V", "current": "A", "power": "W", "shunt": "V"], options: [.option("shunt_ohms", .number, 0.1)],
    // "Configure/measure/calculate example": 0x5D98 is 11.98 V, 0x07D0 is 20 mV; at 0.1 Ω that is 0.2 A, and 2.396 W.
    // Equation 1: 0.04096 / (100 µA × 0.1 Ω) = 4096.
    examples: [
      .words(
        [1: 0x07D0, 2: 0x5D98, 3: 1198, 4: 2000],
        ["voltage": 11.98, "shunt": 0.020, "current": 0.2, "power": 2.396], within: 1e-6,
        leaves: [0: 0x399F, 5: 4096])
    ]
  ) { address, options throws(HALError) in
    let shunt = options.number("shunt_ohms", defaultValue: 0.1)
    guard shunt.isFinite, shunt > 0, shunt <= 1000 else { throw options.wrong("shunt_ohms", "must be above 0 Ω") }
    return ("\(shunt)", { INA219(address: address, shuntOhms: shunt) })
  }

  let address: UInt8
  /// The resistance of the shunt in Ω.
  let shuntOhms: Double
  /// The current register's resolution, in A per count.
  let currentStep: Double

  /// 32 V range, ±320 mV at the shunt, 12 bits, both converted continuously (the value after reset).
  private static let configuration: UInt16 = 0x399F

  /// - Parameter currentStep: in A per count; nil takes the shunt register's resolution (10 µV), so that none is lost.
  init(address: UInt8, shuntOhms: Double, currentStep: Double? = nil) {
    self.address = address
    self.shuntOhms = shuntOhms
    self.currentStep = currentStep ?? 10e-6 / shuntOhms
  }

  /// Equation 1: 0.04096 / (step × shunt), truncated; bit 0 is not used.
  var calibration: UInt16 {
    UInt16(clamping: Int((0.04096 / (currentStep * shuntOhms) + 1e-6).rounded(.down))) & 0xFFFE
  }

  func start(_ bus: inout some I2CTransport) throws(HALError.Fault) -> Duration {
    // A brown-out clears the calibration, so that current and power read 0; another program may have changed the
    // configuration or powered the chip down.
    if try bus.readWord(address, 0x00) == Self.configuration, try bus.readWord(address, 0x05) == calibration {
      return .zero
    }
    try writeWord(&bus, 0x00, Self.configuration)
    try writeWord(&bus, 0x05, calibration)
    // Two conversions of 586 µs at most.
    return .milliseconds(2)
  }

  func collect(_ bus: inout some I2CTransport) throws(HALError.Fault) -> [String: Measurement]? {
    let shunt = Int16(bitPattern: try bus.readWord(address, 0x01))
    let voltage = try bus.readWord(address, 0x02)
    let power = try bus.readWord(address, 0x03)
    let current = Int16(bitPattern: try bus.readWord(address, 0x04))
    // Bit 0 of the bus voltage register, OVF: current or power have overflowed.
    let quality: Reading.Quality = voltage & 1 == 0 ? .good : .suspect
    return [
      "shunt": Measurement(Double(shunt) * 10e-6),
      "voltage": Measurement(Double(voltage >> 3) * 0.004),
      "power": Measurement(Double(power) * 20 * currentStep, quality: quality),
      "current": Measurement(Double(current) * currentStep, quality: quality),
    ]
  }

  private func writeWord(_ bus: inout some I2CTransport, _ register: UInt8, _ word: UInt16) throws(HALError.Fault) {
    try bus.write(address, [register, UInt8(word >> 8), UInt8(word & 0xFF)])
  }
}
