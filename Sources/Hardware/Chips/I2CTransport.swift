import HAL

/// The operations of a bus that chip drivers need: combined transfers and pauses.
///
/// Drivers use nothing else, so that tests can replace the bus by a recording.
package protocol I2CTransport: SendableMetatype {
  /// Writes `bytes` to the chip at `address`, then reads `count` bytes after a repeated start. Either part may be
  /// empty.
  /// - Parameter address: 7 bits.
  /// - Returns: exactly `count` bytes.
  mutating func transfer(_ address: UInt8, write bytes: [UInt8], read count: Int) throws(HALError.Fault) -> [UInt8]

  /// Blocks the bus's thread, and so the bus: for a few milliseconds at most.
  mutating func pause(_ duration: Duration)
}

extension I2CTransport {
  /// Reads `count` bytes from `register` on.
  package mutating func read(_ address: UInt8, _ register: UInt8, _ count: Int) throws(HALError.Fault) -> [UInt8] {
    try transfer(address, write: [register], read: count)
  }

  /// Writes bytes; the first one is usually a register or command.
  package mutating func write(_ address: UInt8, _ bytes: [UInt8]) throws(HALError.Fault) {
    _ = try transfer(address, write: bytes, read: 0)
  }

  /// Reads a word of two bytes, high byte first.
  package mutating func readWord(_ address: UInt8, _ register: UInt8) throws(HALError.Fault) -> UInt16 {
    let bytes = try read(address, register, 2)
    return bigEndian(bytes, 0)
  }
}

/// The word of two bytes at `index`, high byte first.
package func bigEndian(_ bytes: [UInt8], _ index: Int) -> UInt16 {
  UInt16(bytes[index]) << 8 | UInt16(bytes[index + 1])
}

/// The word of two bytes at `index`, low byte first.
package func littleEndian(_ bytes: [UInt8], _ index: Int) -> UInt16 {
  UInt16(bytes[index + 1]) << 8 | UInt16(bytes[index])
}
