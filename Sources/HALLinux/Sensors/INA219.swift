import HAL
import Model

/// TI INA219 power monitor: data sheet SBOS448, "Programming the calibration register" (equation 1) and
/// "Register maps". `voltage` of the bus in V, `current` in A, `power` in W, `shunt` across the shunt in V.
struct INA219: ChipDriver {
  let address: UInt8
  /// The shunt in Ω.
  let shuntOhms: Double
  /// What one count of the current register stands for, in A.
  let currentStep: Double
  private var isConfigured = false

  /// 32 V range, ±320 mV at the shunt, 12 bits, both converted all the time (the value after reset, 0x399F).
  private static let configuration: UInt16 = 0x399F

  /// Makes a driver.
  /// - Parameter currentStep: when nil, that of the shunt register (10 µV), so that no resolution is lost.
  init(address: UInt8, shuntOhms: Double, currentStep: Double? = nil) {
    self.address = address
    self.shuntOhms = shuntOhms
    self.currentStep = currentStep ?? 10e-6 / shuntOhms
  }

  /// Equation 1: 0.04096 / (step × shunt), cut off; bit 0 is not used.
  var calibration: UInt16 {
    UInt16(clamping: Int((0.04096 / (currentStep * shuntOhms) + 1e-6).rounded(.down))) & 0xFFFE
  }

  mutating func measure(_ bus: inout some I2CTransport) throws(HALError.Fault) -> [String: Measurement] {
    // A brown-out clears the calibration, and then current and power read 0.
    let known = try bus.readWord(address, 0x05)
    if !isConfigured || known != calibration {
      try writeWord(&bus, 0x00, Self.configuration)
      try writeWord(&bus, 0x05, calibration)
      isConfigured = true
      // Two conversions of 586 µs at most.
      bus.pause(.milliseconds(2))
    }
    let shunt = Int16(bitPattern: try bus.readWord(address, 0x01))
    let voltage = try bus.readWord(address, 0x02)
    let power = try bus.readWord(address, 0x03)
    let current = Int16(bitPattern: try bus.readWord(address, 0x04))
    // Bit 0 of the bus voltage register, OVF: current or power do not fit.
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
