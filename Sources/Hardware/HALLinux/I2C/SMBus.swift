import CI2C
import CLinux
import Chips
import HAL

/// Transfers by the SMBus calls of libi2c, for adapters without plain I²C (Documentation/i2c/smbus-protocol.rst). The
/// chip has been selected with I2C_SLAVE.
struct SMBus {
  /// The bus's descriptor, owned by the caller.
  let number: Int32
  /// The adapter's functions (I2C_FUNCS).
  let functions: UInt

  /// Implements `I2CTransport.transfer`.
  /// - Throws: EOPNOTSUPP for lengths that no SMBus call has.
  func transfer(_ bytes: [UInt8], _ count: Int) throws(HALError.Fault) -> [UInt8] {
    if count == 0 {
      try write(bytes)
      return []
    }
    switch (bytes.count, count) {
    case (0, 1): return [try byte(i2c_smbus_read_byte(number))]
    case (1, 1): return [try byte(i2c_smbus_read_byte_data(number, bytes[0]))]
    case (1, 2):
      // The first byte on the wire is the low one.
      let word = try check(i2c_smbus_read_word_data(number, bytes[0]))
      return [UInt8(truncatingIfNeeded: word), UInt8(truncatingIfNeeded: word >> 8)]
    case (1, 3...32): return try block(bytes[0], count)
    default: throw unsupported("write \(bytes.count), read \(count)")
    }
  }

  /// Probes the selected chip without changing it.
  /// - Returns: false when the adapter supports neither method.
  /// - Throws: when no chip answers.
  func probe(byReading: Bool) throws(HALError.Fault) -> Bool {
    let canRead = functions & UInt(I2C_FUNC_SMBUS_READ_BYTE) != 0
    let canQuick = functions & UInt(I2C_FUNC_SMBUS_QUICK) != 0
    if canRead && (byReading || !canQuick) {
      _ = try check(i2c_smbus_read_byte(number))
    } else if canQuick {
      _ = try check(i2c_smbus_write_quick(number, UInt8(I2C_SMBUS_WRITE)))
    } else {
      return false
    }
    return true
  }

  private func write(_ bytes: [UInt8]) throws(HALError.Fault) {
    switch bytes.count {
    case 0: _ = try check(i2c_smbus_write_quick(number, UInt8(I2C_SMBUS_WRITE)))
    case 1: _ = try check(i2c_smbus_write_byte(number, bytes[0]))
    case 2: _ = try check(i2c_smbus_write_byte_data(number, bytes[0], bytes[1]))
    case 3: _ = try check(i2c_smbus_write_word_data(number, bytes[0], littleEndian(bytes, 1)))
    case 4...33:
      let values = Array(bytes.dropFirst())
      // SAFETY: libi2c copies `values.count` bytes, at most 32.
      _ = try check(unsafe i2c_smbus_write_i2c_block_data(number, bytes[0], UInt8(values.count), values))
    default: throw unsupported("write \(bytes.count)")
    }
  }

  private func block(_ register: UInt8, _ count: Int) throws(HALError.Fault) -> [UInt8] {
    var values = [UInt8](repeating: 0, count: Int(I2C_SMBUS_BLOCK_MAX))
    // SAFETY: libi2c writes at most 32 bytes, the size of the array.
    let read = try check(unsafe i2c_smbus_read_i2c_block_data(number, register, UInt8(count), &values))
    guard read == Int32(count) else {
      throw .protocolViolation("\(count) bytes were requested from register \(register), but \(read) were read")
    }
    return Array(values.prefix(count))
  }

  private func byte(_ result: Int32) throws(HALError.Fault) -> UInt8 { UInt8(truncatingIfNeeded: try check(result)) }

  /// libi2c returns negative error numbers.
  private func check(_ result: Int32) throws(HALError.Fault) -> Int32 {
    guard result >= 0 else { throw HALError.Fault(transfer: -result) }
    return result
  }

  private func unsupported(_ shape: String) -> HALError.Fault {
    .system(EOPNOTSUPP, "the adapter supports only SMBus, which has no such transfer (\(shape))")
  }
}
