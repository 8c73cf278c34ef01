/// String and bytes literals: `'…'`, `"…"`, triple quotes for several lines, `r` for raw, `b` for bytes.
struct StringLiteral {
  private let text: [UInt8]
  private var at: Int
  private let start: Int
  private let isBytes: Bool
  private let isRaw: Bool
  private let quote: UInt8
  private let isTriple: Bool
  private var contents: [UInt8] = []

  /// Reads the literal at `at` and moves `at` past it.
  /// - Returns: nil, with `at` unchanged, when there is no literal.
  static func read(_ text: [UInt8], _ at: inout Int) throws(CELError) -> Token.Kind? {
    var quoteAt = at
    var (isBytes, isRaw) = (false, false)
    if quoteAt < text.count, text[quoteAt] | 32 == UInt8(ascii: "b") { (isBytes, quoteAt) = (true, quoteAt + 1) }
    if quoteAt < text.count, text[quoteAt] | 32 == UInt8(ascii: "r") { (isRaw, quoteAt) = (true, quoteAt + 1) }
    guard quoteAt < text.count, text[quoteAt] == UInt8(ascii: "'") || text[quoteAt] == UInt8(ascii: "\"") else {
      return nil
    }
    let quote = text[quoteAt]
    let isTriple = text[quoteAt...].starts(with: [quote, quote, quote])
    var literal = StringLiteral(
      text: text, at: quoteAt + (isTriple ? 3 : 1), start: at, isBytes: isBytes, isRaw: isRaw, quote: quote,
      isTriple: isTriple)
    try literal.readContents()
    at = literal.at
    if isBytes { return .bytes(literal.contents) }
    return .string(String(decoding: literal.contents, as: UTF8.self))
  }

  private init(
    text: [UInt8], at: Int, start: Int, isBytes: Bool, isRaw: Bool, quote: UInt8, isTriple: Bool
  ) {
    self.text = text
    self.at = at
    self.start = start
    self.isBytes = isBytes
    self.isRaw = isRaw
    self.quote = quote
    self.isTriple = isTriple
  }

  private mutating func readContents() throws(CELError) {
    while at < text.count {
      let byte = text[at]
      if byte == quote {
        if !isTriple {
          at += 1
          return
        }
        if text[at...].starts(with: [quote, quote, quote]) {
          at += 3
          return
        }
      }
      if !isTriple && (byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r")) { break }
      if byte == UInt8(ascii: "\\") && !isRaw {
        try readEscape()
      } else {
        contents.append(byte)
        at += 1
      }
    }
    throw CELError(offset: start, message: "the string has no closing quote", kind: .syntax)
  }

  private static let simple: [UInt8: UInt8] = [
    UInt8(ascii: "a"): 7, UInt8(ascii: "b"): 8, UInt8(ascii: "f"): 12, UInt8(ascii: "n"): 10, UInt8(ascii: "r"): 13,
    UInt8(ascii: "t"): 9, UInt8(ascii: "v"): 11, UInt8(ascii: "\\"): 92, UInt8(ascii: "?"): 63,
    UInt8(ascii: "\""): 34, UInt8(ascii: "'"): 39, UInt8(ascii: "`"): 96,
  ]

  private mutating func readEscape() throws(CELError) {
    let escape = at
    at += 1
    guard at < text.count else { return }
    let letter = text[at]
    if let byte = Self.simple[letter] {
      contents.append(byte)
      at += 1
      return
    }
    switch letter {
    case UInt8(ascii: "x"), UInt8(ascii: "X"): try readCode(escape, skip: 1, digits: 2, radix: 16, isOctet: true)
    case UInt8(ascii: "u"): try readCode(escape, skip: 1, digits: 4, radix: 16, isOctet: false)
    case UInt8(ascii: "U"): try readCode(escape, skip: 1, digits: 8, radix: 16, isOctet: false)
    case UInt8(ascii: "0")...UInt8(ascii: "3"): try readCode(escape, skip: 0, digits: 3, radix: 8, isOctet: true)
    default: throw bad(escape, "is not an escape; write '\\\\' for a backslash, or use r'…'")
    }
  }

  private mutating func readCode(
    _ escape: Int, skip: Int, digits: Int, radix: UInt32, isOctet: Bool
  ) throws(CELError) {
    at += skip
    var code: UInt32 = 0
    for _ in 0..<digits {
      guard at < text.count, let digit = hexValue(text[at]), digit < radix else {
        throw bad(escape, "needs \(digits) \(radix == 8 ? "octal" : "hexadecimal") digits")
      }
      code = code << (radix == 8 ? 3 : 4) | digit
      at += 1
    }
    if isBytes {
      guard isOctet else { throw bad(escape, "is a character escape, which bytes do not allow") }
      contents.append(UInt8(code))
      return
    }
    guard let scalar = Unicode.Scalar(code) else { throw bad(escape, "is not a Unicode character") }
    contents.append(contentsOf: String(Character(scalar)).utf8)
  }

  private func bad(_ escape: Int, _ what: String) -> CELError {
    let shown = String(decoding: text[escape..<min(escape + 2, text.count)], as: UTF8.self)
    return CELError(offset: escape, message: "'\(shown)' \(what)", kind: .syntax)
  }
}
