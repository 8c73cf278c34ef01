import HAL
import Model

/// Rohm BH1750FVI ambient light sensor: data sheet revision D, "Instruction set architecture" and "Measurement
/// sequence example from 'Write instruction' to 'Read measurement result'". In lx.
struct BH1750: ChipDriver {
  let address: UInt8

  func measure(_ bus: inout some I2CTransport) throws(HALError.Fault) -> [String: Measurement] {
    // Power on, then one measurement in high-resolution mode, after which the chip powers down by itself.
    try bus.write(address, [0x01])
    try bus.write(address, [0x20])
    // 180 ms at most.
    bus.pause(.milliseconds(180))
    let count = bigEndian(try bus.transfer(address, write: [], read: 2), 0)
    return ["value": Measurement(Double(count) / 1.2, quality: count == 0xFFFF ? .suspect : .good)]
  }
}
