/// CBOR (RFC 8949) to values and back: the compact encoding between the daemon and WebAssembly modules.
///
/// The data is that of JSON, plus byte strings. Refused: indefinite lengths, tags, keys that are not text, duplicate keys,
/// simple values except false, true and null, integers beyond 64 bits, NaN and infinities, text with a zero byte, lists and
/// maps more than 64 deep. Integers and floating point may have any of the widths of the RFC.
public enum CBOR {
  /// Reads one data item.
  /// - Parameters:
  ///   - bytes: the item, and nothing after it.
  ///   - values: the most values that are read, lists and maps included; keys do not count.
  /// - Returns: the value; maps keep the order of the bytes.
  /// - Throws: `invalid`, with what was expected and the offset in bytes.
  public static func read(_ bytes: [UInt8], values: Int = .max) throws(AgentError) -> Value {
    var reader = CBORReader(bytes, values: values)
    let value = try reader.value()
    try reader.finish()
    return value
  }

  /// Writes a value.
  ///
  /// Deterministic: the same value gives the same bytes. Integers and lengths take the shortest form, floating point takes
  /// 64 bits, maps keep their order. NaN and infinities become null, as in JSON.
  /// - Returns: one data item.
  public static func write(_ value: Value) -> [UInt8] {
    var writer = CBORWriter()
    writer.write(value)
    return writer.bytes
  }
}

/// The major types of RFC 8949, section 3.1.
enum CBORMajorType {
  static let unsigned: UInt8 = 0
  static let negative: UInt8 = 1
  static let bytes: UInt8 = 2
  static let text: UInt8 = 3
  static let list: UInt8 = 4
  static let map: UInt8 = 5
  static let tag: UInt8 = 6
}

/// Whole initial bytes of the major type 7.
enum CBORSimple {
  static let `false`: UInt8 = 0xF4
  static let `true`: UInt8 = 0xF5
  static let null: UInt8 = 0xF6
  static let half: UInt8 = 0xF9
  static let single: UInt8 = 0xFA
  static let double: UInt8 = 0xFB
}
