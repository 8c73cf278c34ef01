import Chips
import HAL
import Model

/// A bus with one chip that is only memory, like `i2c-sim` of the virtual test-bed: it acknowledges everything, keeps
/// written bytes, and has always finished measuring.
package struct MemoryTransport: I2CTransport {
  private let address: UInt8
  private let access: ChipExample.Access
  private var memory: [UInt8]
  /// The chip's register pointer, as an offset in the memory.
  private var pointer = 0

  /// A chip with the memory contents of an example.
  package init(_ address: UInt8, _ example: ChipExample) {
    self.address = address
    access = example.access
    memory = [UInt8](repeating: 0, count: 512)
    for contents in example.holds {
      memory.replaceSubrange(contents.offset..<(contents.offset + contents.bytes.count), with: contents.bytes)
    }
  }

  /// The chip's memory from `offset` on.
  package func contents(_ offset: Int, _ count: Int) -> [UInt8] { Array(memory[offset..<(offset + count)]) }

  package mutating func transfer(
    _ address: UInt8, write bytes: [UInt8], read count: Int
  ) throws(HALError.Fault) -> [UInt8] {
    guard address == self.address else { throw .noAcknowledge }
    if access == .commands { return contents(0, count) }
    if let register = bytes.first {
      pointer = access == .words ? 2 * Int(register) : Int(register)
      for (index, byte) in bytes.dropFirst().enumerated() { memory[pointer + index] = byte }
    }
    defer { if access == .bytes { pointer += count } }
    return contents(pointer, count)
  }

  package mutating func pause(_ duration: Duration) {}
}
