import Model

extension Function {
  /// The encoders extension (github.com/google/cel-go, ext/README.md, "Encoders").
  static let encoders: [Function] = [
    function("base64.encode", [Overload([.bytes], .string)]) { (arguments, frame) throws(CELError) in
      guard case .bytes(let bytes) = arguments[0] else { return nil }
      try frame.charge(bytes.count >> 2, 0)
      return .string(Base64.text(bytes))
    },
    function("base64.decode", strict: true, [Overload([.string], .bytes)]) { (arguments, frame) throws(CELError) in
      guard case .string(let text) = arguments[0] else { return nil }
      try frame.charge(text.utf8.count >> 2, 0)
      // As in cel-go the padding may be missing, and line breaks are ignored.
      var digits = text.utf8.filter { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }
      if digits.last != UInt8(ascii: "="), digits.count % 4 > 1 {
        digits += [UInt8](repeating: UInt8(ascii: "="), count: 4 - digits.count % 4)
      }
      guard let bytes = Base64.bytes(String(decoding: digits, as: UTF8.self)) else {
        throw CELError(message: "base64.decode(): \(arguments[0]) is not base 64 (RFC 4648)")
      }
      return .bytes(bytes)
    },
  ]
}
