/// JSON text (RFC 8259) to values and back, without a library: the encoding between agents and the daemon.
///
/// Accepts the same texts as the daemon's own reader: UTF-8, one value, no duplicate keys, no `\u0000`, integers of
/// 64 bits, numbers within floating point, lists and maps at most 64 deep.
public enum JSONText {
  /// The deepest nesting of lists and maps.
  public static let depth = 64

  /// Parses a text.
  ///
  /// Numbers without a point and an exponent are integers; all others are the nearest floating-point number.
  /// - Parameter bytes: the text, UTF-8, without a byte order mark.
  /// - Returns: the value; maps keep the order of the text.
  /// - Throws: `invalid`, with what was expected and the offset in bytes.
  public static func read(_ bytes: [UInt8]) throws(AgentError) -> Value {
    var reader = JSONReader(bytes)
    return try reader.document()
  }

  /// Writes a value.
  ///
  /// Integers are exact, floating point is the shortest text that parses to the same number. NaN and infinities become
  /// `null`, bytes become a base64 string (RFC 4648 section 4, padded).
  /// - Parameter pretty: several lines, indented by two spaces; otherwise one line without spaces.
  /// - Returns: the text, UTF-8, without a final line feed.
  public static func write(_ value: Value, pretty: Bool = false) -> [UInt8] {
    var writer = JSONWriter(pretty: pretty)
    writer.write(value)
    return writer.bytes
  }
}
