import HAL
import Model

/// Rohm BH1750FVI ambient light sensor: data sheet revision D, "Instruction set architecture" and "Measurement
/// sequence example from 'Write instruction' to 'Read measurement result'". Readings in lx.
struct BH1750: ChipDriver {
  static let sensor = ChipSensor(
    "bh1750", "Rohm BH1750 ambient light", address: 0x23, ["value": "lx"],
    // "Measurement sequence example": 1000 0011 1001 0000 is 28067 lx.
    examples: [.answer([0x83, 0x90], ["value": 28067], within: 1)]
  ) { BH1750(address: $0) }

  let address: UInt8

  func start(_ bus: inout some I2CTransport) throws(HALError.Fault) -> Duration {
    // Power on, then one measurement in high-resolution mode, after which the chip powers down by itself.
    try bus.write(address, [0x01])
    try bus.write(address, [0x20])
    // 180 ms at most.
    return .milliseconds(180)
  }

  func collect(_ bus: inout some I2CTransport) throws(HALError.Fault) -> [String: Measurement]? {
    let count = bigEndian(try bus.transfer(address, write: [], read: 2), 0)
    return ["value": Measurement(Double(count) / 1.2, quality: count == 0xFFFF ? .suspect : .good)]
  }
}
