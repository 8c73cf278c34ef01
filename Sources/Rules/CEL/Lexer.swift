/// Splits an expression into tokens, by the lexical rules of the language definition (langdef.md, "Syntax").
struct Lexer {
  private let text: [UInt8]
  private var at = 0

  init(_ text: [UInt8]) { self.text = text }

  static func tokens(_ text: [UInt8]) throws(CELError) -> [Token] {
    var lexer = Lexer(text)
    var tokens: [Token] = []
    repeat { tokens.append(try lexer.next()) } while tokens[tokens.count - 1].kind != .end
    return tokens
  }

  /// Longer operators precede their own prefixes.
  private static let symbols = [
    "&&", "||", "==", "!=", "<=", ">=", "<", ">", "+", "-", "*", "/", "%", "!", "?", ":", ".", ",", "(", ")", "[", "]",
    "{", "}",
  ]

  private mutating func next() throws(CELError) -> Token {
    skipBlanks()
    let start = at
    guard at < text.count else { return Token(kind: .end, offset: start) }
    if let literal = try StringLiteral.read(text, &at) { return Token(kind: literal, offset: start) }
    let byte = text[at]
    if isDigit(byte) || (byte == UInt8(ascii: ".") && at + 1 < text.count && isDigit(text[at + 1])) {
      return Token(kind: try number(), offset: start)
    }
    if isNameStart(byte) { return Token(kind: name(), offset: start) }
    if byte == UInt8(ascii: "`") { return Token(kind: try quotedName(), offset: start) }
    for symbol in Self.symbols where text[at...].starts(with: symbol.utf8) {
      at += symbol.utf8.count
      return Token(kind: .symbol(symbol), offset: start)
    }
    throw CELError(offset: start, message: unexpected(byte), kind: .syntax)
  }

  private func unexpected(_ byte: UInt8) -> String {
    switch byte {
    case UInt8(ascii: "="): return "'=' is not an operator; equality is written '=='"
    case UInt8(ascii: "&"): return "'&' is not an operator; 'and' is written '&&'"
    case UInt8(ascii: "|"): return "'|' is not an operator; 'or' is written '||'"
    case 0x21..<0x7F: return "unexpected character '\(Character(Unicode.Scalar(byte)))'"
    case 0x80...:
      let rest = String(decoding: text[at...].prefix(4), as: UTF8.self)
      return "unexpected character '\(rest.prefix(1))'; names are ASCII letters, digits and '_'"
    default: return "unexpected control character 0x\(String(byte, radix: 16))"
    }
  }

  private mutating func skipBlanks() {
    while at < text.count {
      switch text[at] {
      case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\n"), UInt8(ascii: "\r"), 0x0C: at += 1
      case UInt8(ascii: "/") where at + 1 < text.count && text[at + 1] == UInt8(ascii: "/"):
        while at < text.count && text[at] != UInt8(ascii: "\n") { at += 1 }
      default: return
      }
    }
  }

  private mutating func name() -> Token.Kind {
    let start = at
    while at < text.count, isNameStart(text[at]) || isDigit(text[at]) { at += 1 }
    let name = String(decoding: text[start..<at], as: UTF8.self)
    return ["true", "false", "null", "in"].contains(name) ? .symbol(name) : .identifier(name)
  }

  private mutating func quotedName() throws(CELError) -> Token.Kind {
    let start = at + 1
    guard let end = text[start...].firstIndex(of: UInt8(ascii: "`")), end > start else {
      throw CELError(offset: at, message: "a field name has no closing backtick", kind: .syntax)
    }
    at = end + 1
    return .quotedName(String(decoding: text[start..<end], as: UTF8.self))
  }

  private mutating func number() throws(CELError) -> Token.Kind {
    let start = at
    if text[at] == UInt8(ascii: "0"), at + 1 < text.count, text[at + 1] | 32 == UInt8(ascii: "x") {
      at += 2
      let digits = take { isHexDigit($0) }
      guard !digits.isEmpty else {
        throw CELError(offset: start, message: "'0x' must be followed by hexadecimal digits", kind: .syntax)
      }
      return try integer(digits, radix: 16, start)
    }
    let whole = take { isDigit($0) }
    var isDouble = false
    if at + 1 < text.count, text[at] == UInt8(ascii: "."), isDigit(text[at + 1]) {
      isDouble = true
      at += 1
      _ = take { isDigit($0) }
    }
    if at < text.count, text[at] | 32 == UInt8(ascii: "e") {
      let mark = at
      at += 1
      if at < text.count, text[at] == UInt8(ascii: "+") || text[at] == UInt8(ascii: "-") { at += 1 }
      if take({ isDigit($0) }).isEmpty { at = mark } else { isDouble = true }
    }
    guard isDouble else { return try integer(whole, radix: 10, start) }
    let digits = String(decoding: text[start..<at], as: UTF8.self)
    try endOfNumber(start)
    // CEL allows a leading point; `Double` is given a digit before it.
    guard let value = Double(digits.first == "." ? "0" + digits : digits), value.isFinite else {
      throw CELError(offset: start, message: "'\(digits)' is too large for a double", kind: .syntax)
    }
    return .double(value)
  }

  private mutating func integer(_ digits: String, radix: Int, _ start: Int) throws(CELError) -> Token.Kind {
    guard let value = UInt64(digits, radix: radix) else {
      throw CELError(offset: start, message: "the number is too large for 64 bits", kind: .syntax)
    }
    if at < text.count, text[at] | 32 == UInt8(ascii: "u") {
      at += 1
      try endOfNumber(start)
      return .uint(value)
    }
    try endOfNumber(start)
    return .int(value)
  }

  private func endOfNumber(_ start: Int) throws(CELError) {
    guard at < text.count, isNameStart(text[at]) else { return }
    let rest = String(decoding: text[start...at], as: UTF8.self)
    throw CELError(
      offset: start, message: "'\(rest)' is not a number; durations are written duration('10s')", kind: .syntax)
  }

  private mutating func take(_ isPart: (UInt8) -> Bool) -> String {
    let start = at
    while at < text.count, isPart(text[at]) { at += 1 }
    return String(decoding: text[start..<at], as: UTF8.self)
  }
}

func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

func isHexDigit(_ byte: UInt8) -> Bool { hexValue(byte) != nil }

func hexValue(_ byte: UInt8) -> UInt32? {
  switch byte {
  case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte - UInt8(ascii: "0"))
  case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt32(byte - UInt8(ascii: "a")) + 10
  case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt32(byte - UInt8(ascii: "A")) + 10
  default: nil
  }
}

func isNameStart(_ byte: UInt8) -> Bool {
  switch byte {
  case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"): true
  default: false
  }
}
