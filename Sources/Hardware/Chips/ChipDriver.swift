import HAL

/// A driver of one chip: what it is asked and what it answers, and nothing about buses, threads or time.
///
/// A measurement has two halves, and the bus is free for others between them. A driver may `pause` for a few
/// milliseconds within a half, while it sets the chip up; what takes longer belongs between the two.
package protocol ChipDriver: Sendable {
  /// Sets the chip up where it is not, and has it begin a measurement.
  /// - Returns: how long the chip needs for it; zero when `collect` may follow at once.
  mutating func start(_ bus: inout some I2CTransport) throws(HALError.Fault) -> Duration

  /// Takes everything that the chip has measured at once.
  /// - Returns: the quantities by the names that the driver catalogue gives them; a chip with one only calls it
  ///   `value`. One that the chip marks as invalid is missing. nil while it is still measuring: it is asked again.
  mutating func collect(_ bus: inout some I2CTransport) throws(HALError.Fault) -> [String: Measurement]?
}

extension ChipDriver {
  /// For chips that measure all the time.
  package mutating func start(_ bus: inout some I2CTransport) throws(HALError.Fault) -> Duration { .zero }
}

/// The cyclic redundancy check of Sensirion's and Aosong's sensors: polynomial x⁸+x⁵+x⁴+1 (0x31), start 0xFF, nothing
/// reflected (SHT3x-DIS data sheet version 5, section 4.12, table 20).
func sensirionChecksum(_ bytes: some Sequence<UInt8>) -> UInt8 {
  var sum: UInt8 = 0xFF
  for byte in bytes {
    sum ^= byte
    for _ in 0..<8 { sum = sum & 0x80 != 0 ? sum << 1 ^ 0x31 : sum << 1 }
  }
  return sum
}

/// Two bytes and their checksum, from `index` on.
func checkedWord(_ bytes: [UInt8], _ index: Int) throws(HALError.Fault) -> UInt16 {
  guard sensirionChecksum(bytes[index..<(index + 2)]) == bytes[index + 2] else { throw .checksum }
  return bigEndian(bytes, index)
}

/// An 8-bit number as two hexadecimal digits behind `0x`.
package func hexadecimal(_ byte: some BinaryInteger) -> String { "0x" + String(byte, radix: 16, uppercase: true) }
