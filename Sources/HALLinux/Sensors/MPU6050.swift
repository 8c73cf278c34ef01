import HAL

/// InvenSense MPU-6050: register map RM-MPU-6000A revision 4.2: registers 27 (GYRO_CONFIG), 28 (ACCEL_CONFIG), 59 to
/// 72 (data), 107 (PWR_MGMT_1), 117 (WHO_AM_I). Acceleration in g, rotation in °/s, temperature in °C.
struct MPU6050: ChipDriver {
  let address: UInt8
  private var isKnown = false

  init(address: UInt8) { self.address = address }

  /// The clock of the X gyroscope, as the register map recommends; not asleep.
  private static let awake: UInt8 = 0x01

  mutating func measure(_ bus: inout some I2CTransport) throws(HALError.Fault) -> [String: Measurement] {
    if !isKnown {
      let identity = try bus.read(address, 0x75, 1)[0]
      guard identity == 0x68 else {
        throw .protocolViolation("not an MPU-6050: it says it is \(hexadecimal(identity))")
      }
      isKnown = true
    }
    // It sleeps after power-on, also after one that nobody noticed.
    if try bus.read(address, 0x6B, 1)[0] != Self.awake {
      try bus.write(address, [0x6B, Self.awake])
      try bus.write(address, [0x1B, 0x00])  // ±250 °/s
      try bus.write(address, [0x1C, 0x00])  // ±2 g
      // 30 ms for the gyroscopes to start (product specification, gyroscope start-up time).
      bus.pause(.milliseconds(50))
    }
    let data = try bus.read(address, 0x3B, 14)
    func value(_ index: Int) -> Double { Double(Int16(bitPattern: bigEndian(data, index))) }
    return [
      "accel_x": Measurement(value(0) / 16384), "accel_y": Measurement(value(2) / 16384),
      "accel_z": Measurement(value(4) / 16384),
      "temperature": Measurement(value(6) / 340 + 36.53),
      "gyro_x": Measurement(value(8) / 131), "gyro_y": Measurement(value(10) / 131),
      "gyro_z": Measurement(value(12) / 131),
    ]
  }
}
