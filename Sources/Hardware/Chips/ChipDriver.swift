import HAL

/// A driver of one chip: the transfers and their meaning, independent of buses, threads and time.
///
/// A measurement has two halves, `start` and `collect`; between them the bus is free for others. Within a half a driver
/// may `pause` for a few milliseconds, e.g. while it configures the chip; longer waits belong between the halves.
package protocol ChipDriver: Sendable {
  /// Configures the chip if needed and begins a measurement.
  /// - Returns: how long the chip needs to convert; zero when `collect` may follow at once.
  mutating func start(_ bus: inout some I2CTransport) throws(HALError.Fault) -> Duration

  /// Reads all quantities of the measurement.
  /// - Returns: the quantities by their names in the driver catalogue, or as `value` for a chip with a single one. A
  ///   quantity that the chip marks as invalid is missing. nil while the chip is still measuring: it is polled again.
  mutating func collect(_ bus: inout some I2CTransport) throws(HALError.Fault) -> [String: Measurement]?
}

extension ChipDriver {
  /// The default, for chips that measure continuously.
  package mutating func start(_ bus: inout some I2CTransport) throws(HALError.Fault) -> Duration { .zero }
}

/// The CRC of Sensirion's and Aosong's sensors: polynomial x⁸+x⁵+x⁴+1 (0x31), initial value 0xFF, no reflection
/// (SHT3x-DIS data sheet version 5, section 4.12, table 20).
func sensirionChecksum(_ bytes: some Sequence<UInt8>) -> UInt8 {
  var sum: UInt8 = 0xFF
  for byte in bytes {
    sum ^= byte
    for _ in 0..<8 { sum = sum & 0x80 != 0 ? sum << 1 ^ 0x31 : sum << 1 }
  }
  return sum
}

/// The word at `index`, whose checksum follows it.
/// - Throws: `checksum`.
func checkedWord(_ bytes: [UInt8], _ index: Int) throws(HALError.Fault) -> UInt16 {
  guard sensirionChecksum(bytes[index..<(index + 2)]) == bytes[index + 2] else { throw .checksum }
  return bigEndian(bytes, index)
}

/// A number in hexadecimal, without leading zeros: `0x4A`.
package func hexadecimal(_ byte: some BinaryInteger) -> String { "0x" + String(byte, radix: 16, uppercase: true) }
