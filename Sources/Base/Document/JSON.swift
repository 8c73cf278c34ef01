import Model

/// JSON text (RFC 8259) to values and back; reading is done by jansson (jansson.readthedocs.io).
public enum JSON {
  /// Reads a file's text; every value and key knows its place.
  ///
  /// A byte order mark is skipped. Refused beyond the grammar: duplicate keys, integers beyond 64 bits, numbers beyond
  /// floating point, `\u0000`.
  /// - Parameters:
  ///   - bytes: the text, UTF-8.
  ///   - file: what to call it in messages.
  ///   - limits: how large it may be.
  /// - Returns: the text's one value; entries of maps keep their order.
  /// - Throws: what is wrong, and where.
  public static func parse(
    _ bytes: [UInt8], file: String, limits: DocumentLimits = .standard
  ) throws(Diagnostics) -> Node {
    do throws(Diagnostic) {
      try limits.checkSize(bytes.count, file: file)
      let text = try TextEncoding.checked(bytes, file: file)
      return try JSONTree(text[...], file: file, limits: limits).node(of: text, file: file)
    } catch {
      throw Diagnostics([error])
    }
  }

  /// Reads a protocol message: the same language as ``parse(_:file:limits:)``, but faster, since values keep no places.
  /// - Parameters:
  ///   - bytes: the text, UTF-8, without a byte order mark.
  ///   - limits: how large it may be.
  /// - Returns: the text's one value.
  /// - Throws: what is wrong, with its place in the file `<message>`.
  public static func decode(
    _ bytes: ArraySlice<UInt8>, limits: DocumentLimits = .message
  ) throws(Diagnostic) -> Value {
    try limits.checkSize(bytes.count, file: "<message>")
    return try JSONTree(bytes, file: "<message>", limits: limits).value
  }

  /// Writes a value down.
  ///
  /// Integers stay exact, floating point is the shortest text that reads back the same, NaN and infinities become
  /// `null`, bytes become a base64 string (RFC 4648 section 4, padded).
  /// - Parameters:
  ///   - value: what to write.
  ///   - pretty: over several lines, indented by two spaces; otherwise on one line without spaces.
  /// - Returns: the text, UTF-8, without a line end after it.
  public static func encode(_ value: Value, pretty: Bool = false) -> [UInt8] {
    JSONText.write(value, pretty: pretty)
  }

  /// The same as ``encode(_:pretty:)``, as a string.
  public static func text(_ value: Value, pretty: Bool = false) -> String {
    String(decoding: encode(value, pretty: pretty), as: UTF8.self)
  }
}
