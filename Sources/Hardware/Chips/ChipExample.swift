import Model

/// A row of a chip's data sheet: the content of the registers, and the resulting quantities.
///
/// Every example runs twice: against a chip in memory in the unit tests, and through i2c-dev and the kernel's I²C core
/// in the virtual test-bed.
package struct ChipExample: Sendable {
  /// How the chip answers a read.
  package enum Access: Sendable {
    /// Registers of one byte; the register pointer increments with every byte.
    case bytes
    /// Registers of two bytes, high byte first; the register pointer stays.
    case words
    /// No registers: writes are commands, and every read begins with the first byte.
    case commands
  }

  /// Consecutive bytes.
  package struct Contents: Sendable {
    /// The offset of the first byte; a register of two bytes counts twice.
    package let offset: Int
    package let bytes: [UInt8]
  }

  /// How the chip answers a read.
  package let access: Access
  /// The registers before the measurement; all others are 0.
  package let holds: [Contents]
  /// The registers that the driver must have written after the measurement.
  package let leaves: [Contents]
  /// The expected quantities, by their names in the driver catalogue. The driver may return more.
  package let quantities: [String: Double]
  /// The largest accepted deviation of a quantity.
  package let tolerance: Double
  /// Options of the driver, besides `bus`, `address` and `quantity`.
  package let options: Fields

  /// A chip with registers of one byte.
  /// - Parameters:
  ///   - holds: the initial registers, by the first register of each run.
  ///   - quantities: the expected quantities.
  ///   - tolerance: the largest accepted deviation.
  ///   - leaves: the registers that the driver must have written, by the first of each run.
  ///   - options: further options of the driver.
  static func bytes(
    _ holds: KeyValuePairs<Int, [UInt8]>, _ quantities: [String: Double], within tolerance: Double = 1e-9,
    leaves: KeyValuePairs<Int, [UInt8]> = [:], options: Fields = [:]
  ) -> ChipExample {
    ChipExample(
      access: .bytes, holds: holds.map { Contents(offset: $0.key, bytes: $0.value) },
      leaves: leaves.map { Contents(offset: $0.key, bytes: $0.value) }, quantities: quantities, tolerance: tolerance,
      options: options)
  }

  /// A chip with registers of two bytes; the parameters are those of `bytes`.
  static func words(
    _ holds: KeyValuePairs<Int, UInt16>, _ quantities: [String: Double], within tolerance: Double = 1e-9,
    leaves: KeyValuePairs<Int, UInt16> = [:], options: Fields = [:]
  ) -> ChipExample {
    func contents(_ register: Int, _ word: UInt16) -> Contents {
      Contents(offset: 2 * register, bytes: [UInt8(word >> 8), UInt8(word & 0xFF)])
    }
    return ChipExample(
      access: .words, holds: holds.map { contents($0.key, $0.value) },
      leaves: leaves.map { contents($0.key, $0.value) }, quantities: quantities, tolerance: tolerance, options: options)
  }

  /// A chip without registers.
  /// - Parameter answer: the bytes that every read returns.
  static func answer(
    _ answer: [UInt8], _ quantities: [String: Double], within tolerance: Double = 1e-9
  ) -> ChipExample {
    ChipExample(
      access: .commands, holds: [Contents(offset: 0, bytes: answer)], leaves: [], quantities: quantities,
      tolerance: tolerance, options: [:])
  }
}
