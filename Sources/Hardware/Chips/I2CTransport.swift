import HAL

/// What a chip's driver needs of a bus: combined transfers, and time for the chip to think.
///
/// Drivers are plain functions over it, so that a recording can stand in for the bus.
package protocol I2CTransport: SendableMetatype {
  /// Writes `bytes` to the chip at `address`, then reads `count` bytes after a repeated start. Either part may be
  /// empty.
  /// - Parameter address: 7 bits.
  /// - Returns: exactly `count` bytes.
  mutating func transfer(_ address: UInt8, write bytes: [UInt8], read count: Int) throws(HALError.Fault) -> [UInt8]

  /// Waits, on the bus's own thread and with the bus: a few milliseconds at most.
  mutating func pause(_ duration: Duration)
}

extension I2CTransport {
  /// Reads `count` bytes from `register` on.
  package mutating func read(_ address: UInt8, _ register: UInt8, _ count: Int) throws(HALError.Fault) -> [UInt8] {
    try transfer(address, write: [register], read: count)
  }

  /// Writes bytes, the first of which is usually a register or command.
  package mutating func write(_ address: UInt8, _ bytes: [UInt8]) throws(HALError.Fault) {
    _ = try transfer(address, write: bytes, read: 0)
  }

  /// Reads two bytes, the higher one first.
  package mutating func readWord(_ address: UInt8, _ register: UInt8) throws(HALError.Fault) -> UInt16 {
    let bytes = try read(address, register, 2)
    return bigEndian(bytes, 0)
  }
}

/// Two bytes of `bytes` from `index` on, the higher one first.
package func bigEndian(_ bytes: [UInt8], _ index: Int) -> UInt16 {
  UInt16(bytes[index]) << 8 | UInt16(bytes[index + 1])
}

/// Two bytes of `bytes` from `index` on, the lower one first.
package func littleEndian(_ bytes: [UInt8], _ index: Int) -> UInt16 {
  UInt16(bytes[index + 1]) << 8 | UInt16(bytes[index])
}
