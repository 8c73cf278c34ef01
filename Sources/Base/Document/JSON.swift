import Model

/// Reads and writes JSON text (RFC 8259). jansson (jansson.readthedocs.io) does the parsing.
package enum JSON {
  /// Reads a file's text; every value and key carries its location.
  ///
  /// A byte order mark is skipped. Valid JSON that is refused nevertheless: duplicate keys, integers beyond 64 bits,
  /// numbers beyond `Double`, `\u0000`.
  /// - Parameters:
  ///   - bytes: the text, UTF-8.
  ///   - file: the name for messages.
  ///   - limits: the largest size and nesting.
  /// - Returns: the text's one value; entries of maps keep their order.
  /// - Throws: the first problem and its location.
  package static func parse(
    _ bytes: [UInt8], file: String, limits: DocumentLimits = .defaultValue
  ) throws(Diagnostics) -> Node {
    do throws(Diagnostic) {
      try limits.checkSize(bytes.count, file: file)
      let text = try TextEncoding.checked(bytes, file: file)
      return try JSONTree(text[...], file: file, limits: limits).node(of: text, file: file)
    } catch {
      throw Diagnostics([error])
    }
  }

  /// Reads a protocol message: the same language as ``parse(_:file:limits:)``, but faster, as no locations are kept.
  /// - Parameters:
  ///   - bytes: the text, UTF-8, without a byte order mark.
  ///   - limits: the largest size and nesting.
  /// - Returns: the text's one value.
  /// - Throws: the first problem; its location names the file `<message>`.
  package static func decode(
    _ bytes: ArraySlice<UInt8>, limits: DocumentLimits = .message
  ) throws(Diagnostic) -> Value {
    try limits.checkSize(bytes.count, file: "<message>")
    return try JSONTree(bytes, file: "<message>", limits: limits).value
  }

  /// Encodes a value.
  ///
  /// Integers stay exact. Floating-point numbers are the shortest text that reads back the same; NaN and infinities
  /// become `null`. Bytes become a base64 string (RFC 4648 section 4, padded).
  /// - Parameters:
  ///   - value: the value to encode.
  ///   - pretty: true for several lines, indented by two spaces; false for one line without spaces.
  /// - Returns: the text, UTF-8, without a trailing newline.
  package static func encode(_ value: Value, pretty: Bool = false) -> [UInt8] {
    JSONText.write(value, pretty: pretty)
  }

  /// The text of ``encode(_:pretty:)`` as a string.
  package static func text(_ value: Value, pretty: Bool = false) -> String {
    String(decoding: encode(value, pretty: pretty), as: UTF8.self)
  }
}
