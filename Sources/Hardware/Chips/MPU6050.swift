import HAL
import Model

/// InvenSense MPU-6050: register map RM-MPU-6000A revision 4.2: registers 27 (GYRO_CONFIG), 28 (ACCEL_CONFIG), 59 to
/// 72 (data), 107 (PWR_MGMT_1), 117 (WHO_AM_I). Acceleration in g, rotation in °/s, temperature in °C.
struct MPU6050: ChipDriver {
  static let sensor = ChipSensor(
    "mpu6050", "InvenSense MPU6050 acceleration, rotation", address: 0x68,
    [
      "accel_x": "g", "accel_y": "g", "accel_z": "g", "gyro_x": "°/s", "gyro_y": "°/s", "gyro_z": "°/s",
      "temperature": "°C",
    ],
    // Acceleration 0, 0, 16384; temperature -3920; rotation -1310, 0, 0. Awake, with ranges set by another program.
    examples: [
      .bytes(
        [
          0x75: [0x68], 0x6B: [0x01], 0x1B: [0x18, 0x10],
          0x3B: [0, 0, 0, 0, 0x40, 0, 0xF0, 0xB0, 0xFA, 0xE2, 0, 0, 0, 0],
        ],
        [
          "accel_x": 0, "accel_y": 0, "accel_z": 1, "gyro_x": -10, "gyro_y": 0, "gyro_z": 0,
          "temperature": 36.53 - 3920.0 / 340,
        ],
        leaves: [0x6B: [0x01], 0x1B: [0x00, 0x00]])
    ]
  ) { MPU6050(address: $0) }

  let address: UInt8
  private var isKnown = false

  init(address: UInt8) { self.address = address }

  /// Not asleep, with the clock of the X gyroscope, as the register map recommends.
  private static let awake: UInt8 = 0x01

  mutating func start(_ bus: inout some I2CTransport) throws(HALError.Fault) -> Duration {
    if !isKnown {
      let identity = try bus.read(address, 0x75, 1)[0]
      guard identity == 0x68 else {
        throw .protocolViolation("not an MPU-6050: WHO_AM_I is \(hexadecimal(identity)) (0x68 expected)")
      }
      isKnown = true
    }
    // It sleeps after power-on, also after an unnoticed one. If awake, it may have ranges set by another program.
    let power = try bus.read(address, 0x6B, 1)[0]
    let ranges = try bus.read(address, 0x1B, 2)
    // Compare self-test and range; the lower bits are reserved, or belong to a filter that does not affect the data.
    if power == Self.awake, ranges.allSatisfy({ $0 & 0xF8 == 0 }) { return .zero }
    try bus.write(address, [0x6B, Self.awake])
    try bus.write(address, [0x1B, 0x00])  // ±250 °/s
    try bus.write(address, [0x1C, 0x00])  // ±2 g
    // 30 ms for the gyroscopes to start (product specification, gyroscope start-up time).
    return .milliseconds(50)
  }

  func collect(_ bus: inout some I2CTransport) throws(HALError.Fault) -> [String: Measurement]? {
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
