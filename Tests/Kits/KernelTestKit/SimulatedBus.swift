import Linux

/// The I²C adapter of the module `i2c-sim`, driven from the outside: what its chips hold, and how they fail.
public struct SimulatedBus {
  private static let root = "/sys/kernel/debug/i2c-sim"

  /// One transfer as it went over the bus.
  public struct Transfer: Equatable {
    /// Counts from 1 since the module was loaded.
    public var number: Int
    public var address: UInt8
    /// The first bytes of what was written, eight at most.
    public var written: [UInt8]
    /// How many were read.
    public var read: Int
    /// How many messages went through, or a negative error number.
    public var result: Int
  }

  /// - Throws: `Skip` when the module is not loaded.
  public init() throws {
    if !KernelFile.exists(Self.root) { throw Skip("the module i2c-sim is not here (\(Self.root))") }
  }

  /// The chip at an address.
  /// - Throws: `Skip` when the simulator has none there.
  public func chip(_ address: UInt8) throws -> Chip {
    let folder = "\(Self.root)/\(address < 16 ? "0" : "")\(String(address, radix: 16))"
    if !KernelFile.exists(folder) { throw Skip("i2c-sim has no chip at 0x\(String(address, radix: 16))") }
    return Chip(folder: folder)
  }

  /// The transfers after the one numbered `number`, as far back as the simulator keeps them.
  public func journal(after number: Int = 0) throws -> [Transfer] {
    try KernelFile.text("\(Self.root)/journal").split(separator: "\n").compactMap(Self.transfer).filter {
      $0.number > number
    }
  }

  /// The newest transfer's number; 0 before the first.
  public func last() throws -> Int { try journal().last?.number ?? 0 }

  /// `12 40 w2 00 20 r0 = 1`
  private static func transfer(_ line: Substring) -> Transfer? {
    let words = line.split(separator: " ")
    guard words.count >= 6, let number = Int(words[0]), let address = UInt8(words[1], radix: 16),
      let result = Int(words[words.count - 1]), let read = Int(words[words.count - 3].dropFirst())
    else { return nil }
    let written = words[3..<(words.count - 3)].compactMap { UInt8($0, radix: 16) }
    return Transfer(number: number, address: address, written: written, read: read, result: result)
  }

  /// One chip on it.
  public struct Chip {
    let folder: String

    /// Changes what it holds.
    /// - Parameter register: the offset of the first byte; chips with registers of two bytes have two for each.
    public func hold(_ bytes: [UInt8], at register: Int = 0) throws {
      try KernelFile.write("\(folder)/regs", bytes, at: register)
    }

    /// Changes registers of two bytes, the higher one first.
    public func hold(words: [UInt16], at register: Int = 0) throws {
      try hold(words.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] }, at: 2 * register)
    }

    /// What it holds.
    public func contents(_ register: Int, _ count: Int) throws -> [UInt8] {
      Array(try KernelFile.bytes("\(folder)/regs").dropFirst(register).prefix(count))
    }

    /// Has the next transfers fail.
    /// - Parameter count: -1 for all.
    public func fail(_ count: Int, errno: Int32) throws {
      try KernelFile.write("\(folder)/error", "\(errno)")
      try KernelFile.write("\(folder)/fail", "\(count)")
    }

    /// Has the first byte of the next reads arrive inverted.
    public func garble(_ count: Int) throws { try KernelFile.write("\(folder)/garble", "\(count)") }

    /// Has every transfer take so long.
    public func delay(milliseconds: Int) throws { try KernelFile.write("\(folder)/delay_us", "\(milliseconds * 1000)") }

    /// Works again.
    public func heal() throws {
      try fail(0, errno: 6)
      try garble(0)
      try delay(milliseconds: 0)
    }

    /// How many transfers it has seen.
    public var transfers: Int { get throws { Int(try KernelFile.text("\(folder)/transfers")) ?? -1 } }
  }
}
