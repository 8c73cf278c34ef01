import Model

/// A row of a chip's data sheet: what the chip holds, and what its quantities then are.
///
/// Every example is played twice: against a chip in memory with every test, and through i2c-dev and the kernel's I²C core
/// in the virtual test-bed.
package struct ChipExample: Sendable {
  /// How the chip answers a read.
  package enum Access: Sendable {
    /// Registers of one byte; the register pointer moves on with every byte.
    case bytes
    /// Registers of two bytes, the higher one first; the register pointer stays.
    case words
    /// No registers: what is written is a command, and every read begins with the first byte.
    case commands
  }

  /// Bytes that stand together.
  package struct Contents: Sendable {
    /// Of the first byte; a chip with registers of two bytes has two for each.
    package let offset: Int
    package let bytes: [UInt8]
  }

  /// How the chip answers a read.
  package let access: Access
  /// What it holds before the measurement; everything else is 0.
  package let holds: [Contents]
  /// What the driver must have written when the measurement is over.
  package let leaves: [Contents]
  /// What the driver must say, by the names of the schema. A chip may give more than an example asks for.
  package let quantities: [String: Double]
  /// How far a quantity may be from that.
  package let tolerance: Double
  /// Options of the driver, beside `bus`, `address` and `quantity`.
  package let options: Fields

  /// A chip with registers of one byte.
  /// - Parameters:
  ///   - holds: by the first register of each run.
  ///   - quantities: what the driver must say.
  ///   - tolerance: how far a quantity may be from that.
  ///   - leaves: registers that the driver must have written, by the first of each run.
  ///   - options: of the driver.
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
  /// - Parameter answer: what every read gives.
  static func answer(
    _ answer: [UInt8], _ quantities: [String: Double], within tolerance: Double = 1e-9
  ) -> ChipExample {
    ChipExample(
      access: .commands, holds: [Contents(offset: 0, bytes: answer)], leaves: [], quantities: quantities,
      tolerance: tolerance, options: [:])
  }
}
