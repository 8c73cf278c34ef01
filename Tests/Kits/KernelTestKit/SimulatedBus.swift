import Linux

/// The I²C adapter of the module `i2c-sim`: controls the registers and faults of its chips.
package struct SimulatedBus {
  private static let root = "/sys/kernel/debug/i2c-sim"

  /// A transfer on the bus.
  package struct Transfer: Equatable {
    /// The number of the transfer, counted from 1 since the module was loaded.
    package var number: Int
    package var address: UInt8
    /// The first written bytes, at most eight.
    package var written: [UInt8]
    /// The number of bytes read.
    package var read: Int
    /// The number of successful messages, or a negative error number.
    package var result: Int
  }

  /// - Throws: `Skip` when the module is not loaded.
  package init() throws {
    if !KernelFile.exists(Self.root) { throw Skip("the module i2c-sim is not here (\(Self.root))") }
  }

  /// The chip at an address.
  /// - Throws: `Skip` when the simulator has no chip there.
  package func chip(_ address: UInt8) throws -> Chip {
    let folder = "\(Self.root)/\(address < 16 ? "0" : "")\(String(address, radix: 16))"
    if !KernelFile.exists(folder) { throw Skip("i2c-sim has no chip at 0x\(String(address, radix: 16))") }
    return Chip(folder: folder)
  }

  /// The transfers after number `number` that the simulator still keeps.
  package func journal(after number: Int = 0) throws -> [Transfer] {
    try KernelFile.text("\(Self.root)/journal").split(separator: "\n").compactMap(Self.transfer).filter {
      $0.number > number
    }
  }

  /// The number of the last transfer; 0 before the first.
  package func last() throws -> Int { try journal().last?.number ?? 0 }

  /// `12 40 w2 00 20 r0 = 1`
  private static func transfer(_ line: Substring) -> Transfer? {
    let words = line.split(separator: " ")
    guard words.count >= 6, let number = Int(words[0]), let address = UInt8(words[1], radix: 16),
      let result = Int(words[words.count - 1]), let read = Int(words[words.count - 3].dropFirst())
    else { return nil }
    let written = words[3..<(words.count - 3)].compactMap { UInt8($0, radix: 16) }
    return Transfer(number: number, address: address, written: written, read: read, result: result)
  }

  /// A chip on the bus.
  package struct Chip {
    let folder: String

    /// Sets registers.
    /// - Parameter register: the offset of the first byte; a register of two bytes counts twice.
    package func hold(_ bytes: [UInt8], at register: Int = 0) throws {
      try KernelFile.write("\(folder)/regs", bytes, at: register)
    }

    /// Sets registers of two bytes, big-endian.
    package func hold(words: [UInt16], at register: Int = 0) throws {
      try hold(words.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] }, at: 2 * register)
    }

    /// The registers from an offset on.
    package func contents(_ register: Int, _ count: Int) throws -> [UInt8] {
      Array(try KernelFile.bytes("\(folder)/regs").dropFirst(register).prefix(count))
    }

    /// Makes the next transfers fail.
    /// - Parameter count: the number of transfers; -1 for all.
    package func fail(_ count: Int, errno: Int32) throws {
      try KernelFile.write("\(folder)/error", "\(errno)")
      try KernelFile.write("\(folder)/fail", "\(count)")
    }

    /// Inverts the first byte of the next reads.
    package func garble(_ count: Int) throws { try KernelFile.write("\(folder)/garble", "\(count)") }

    /// Delays every transfer.
    package func delay(milliseconds: Int) throws {
      try KernelFile.write("\(folder)/delay_us", "\(milliseconds * 1000)")
    }

    /// Removes all faults.
    package func heal() throws {
      try fail(0, errno: 6)
      try garble(0)
      try delay(milliseconds: 0)
    }

    /// The number of transfers to this chip.
    package var transfers: Int { get throws { Int(try KernelFile.text("\(folder)/transfers")) ?? -1 } }
  }
}
