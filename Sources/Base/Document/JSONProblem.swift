import CJSON
import Model

/// A syntax error of jansson, reworded, with the location of the offending token.
struct JSONProblem {
  private let code: UInt32
  /// jansson's message without the ` near '…'` that it appends.
  private let text: String
  private let tokens: [JSONToken]
  private let bytes: [UInt8]
  private let file: String

  init(_ error: json_error_t, in bytes: [UInt8], file: String) {
    // jansson keeps the code in the last byte of the message (jansson.h, json_error_code).
    code = UInt32(UInt8(bitPattern: error.text.159))
    // SAFETY: jansson ends the message with a NUL within its 160 bytes.
    let message = unsafe withUnsafeBytes(of: error.text) { text in
      unsafe String(decoding: text.prefix { $0 != 0 }, as: UTF8.self)
    }
    text = message.prefix(before: " near ")
    self.bytes = bytes
    self.file = file
    // At the end of the text, jansson reports the position of the last token.
    tokens = Self.tokens(of: bytes, to: message.hasSuffix(" near end of file") ? .max : Int(error.position))
  }

  /// Up to two tokens: the one that contains or ends at `offset`, and the one before it.
  private static func tokens(of bytes: [UInt8], to offset: Int) -> [JSONToken] {
    var scan = JSONTokens(bytes)
    var last: [JSONToken] = []
    while true {
      let token = scan.next()
      last = last.suffix(1) + [token]
      if token.range.isEmpty || token.range.upperBound >= offset { return last }
    }
  }

  private var token: JSONToken { tokens[tokens.count - 1] }
  private var here: Location { token.location(in: file) }
  private func text(of token: JSONToken) -> String { String(decoding: bytes[token.range], as: UTF8.self) }

  /// The offending token for messages.
  private var found: String { token.range.isEmpty ? "the end of the text" : text(of: token).quotedForMessage }

  /// The problem as a diagnostic.
  var diagnostic: Diagnostic {
    switch code {
    case json_error_invalid_utf8.rawValue: notUTF8
    case json_error_duplicate_key.rawValue: duplicateKey
    case json_error_numeric_overflow.rawValue: Diagnostic(here, numberMessage)
    case json_error_null_character.rawValue, json_error_null_byte_in_key.rawValue:
      Diagnostic(here, "text must not contain the character \\u0000")
    case json_error_out_of_memory.rawValue: Diagnostic(Location(file: file), "there is not enough memory to read it")
    default: isBrokenString ? stringProblem : Diagnostic(here, syntaxMessage)
    }
  }

  private var notUTF8: Diagnostic {
    do {
      _ = try TextEncoding.checked(bytes, file: file)
      return Diagnostic(here, "the text is not UTF-8")
    } catch {
      return error
    }
  }

  private var numberMessage: String {
    text.holds("real")
      ? "the number \(found) is too large for a floating-point number (about ±1.8e308)"
      : "the integer \(found) does not fit in 64 bits (±9.2e18); put it in quotes if it is a name"
  }

  private var syntaxMessage: String {
    if token.range.isEmpty && tokens.count == 1 { return "the text is empty; expected a JSON value" }
    switch text {
    case "string or '}' expected": return "expected a key in double quotes or '}', found \(found)"
    case "':' expected": return "expected ':' after the key, found \(found)"
    case "'}' expected": return "expected ',' or '}', found \(found)"
    case "']' expected": return "expected ',' or ']', found \(found)"
    case "end of file expected": return "expected the end of the text after the value, found \(found)"
    default: return "expected a value, found \(found)\(hint)"
    }
  }

  private var hint: String {
    let text = text(of: token)
    if let previous = tokens.dropLast().last, self.text(of: previous) == ",", text == "]" || text == "}" {
      return " (JSON allows no trailing comma)"
    }
    if text.hasPrefix("'") { return " (JSON strings need double quotes)" }
    if text.hasPrefix("/") || text.hasPrefix("#") { return " (JSON has no comments)" }
    switch text.lowercased() {
    case "nan", "-nan", "infinity", "-infinity", "inf", "-inf": return " (JSON has neither NaN nor infinities)"
    case "true", "false", "null": return " (JSON writes true, false and null in lower case)"
    case "none", "nil": return " (did you mean 'null'?)"
    default: break
    }
    guard let first = text.utf8.first else { return "" }
    if "+-0123456789".utf8.contains(first) {
      return " (JSON numbers are like 12, -3 or 1.5e3: no leading zero or '+', digits around the point)"
    }
    return ""
  }

  private var isBrokenString: Bool { bytes[token.range].first == UInt8(ascii: "\"") && !text.hasSuffix("expected") }

  /// The problem of a string token: a bad character, a bad escape, or no closing quote.
  private var stringProblem: Diagnostic {
    if let offset = token.range.first(where: { bytes[$0] < 0x20 }) {
      let isLineEnd = bytes[offset] == UInt8(ascii: "\n") || bytes[offset] == UInt8(ascii: "\r")
      if isLineEnd { return Diagnostic(here, "the text that begins here has no closing quote on its line") }
      let code = bytes[offset] < 16 ? "0\(String(bytes[offset], radix: 16))" : String(bytes[offset], radix: 16)
      return Diagnostic(
        TextPlace.location(of: offset, in: bytes, file: file),
        "control characters must be escaped; write \\u00\(code)\(bytes[offset] == 9 ? " or \\t" : "")")
    }
    if let offset = firstUnknownEscape {
      return Diagnostic(
        TextPlace.location(of: offset, in: bytes, file: file),
        "unknown escape; JSON has \\\" \\\\ \\/ \\b \\f \\n \\r \\t and \\u with four hexadecimal digits")
    }
    if text.hasPrefix("invalid") {
      let rule = "it takes four hexadecimal digits, and pairs \\uD800–\\uDBFF with \\uDC00–\\uDFFF"
      return Diagnostic(here, "this text has an invalid \\u escape: \(rule)")
    }
    return Diagnostic(here, "the text that begins here has no closing quote")
  }

  private var firstUnknownEscape: Int? {
    var offset = token.range.lowerBound
    while offset + 1 < token.range.upperBound {
      if bytes[offset] == UInt8(ascii: "\\") {
        if !"\"\\/bfnrtu".utf8.contains(bytes[offset + 1]) { return offset }
        offset += 1
      }
      offset += 1
    }
    return nil
  }
}

extension JSONProblem {
  /// jansson stops right after the second of two equal keys; the first is earlier in the same object.
  private var duplicateKey: Diagnostic {
    let key = decoded(token) ?? text(of: token)
    var scan = JSONTokens(bytes)
    // The keys of every object that encloses the token, innermost last; lists have none.
    var keys: [[JSONToken]] = []
    var previous = scan.next()
    while !previous.range.isEmpty, previous.range.lowerBound < token.range.lowerBound {
      let next = scan.next()
      switch bytes[previous.range.lowerBound] {
      case UInt8(ascii: "{"), UInt8(ascii: "["): keys.append([])
      case UInt8(ascii: "}"), UInt8(ascii: "]"): _ = keys.popLast()
      case UInt8(ascii: "\"") where bytes[next.range].first == UInt8(ascii: ":"):
        if !keys.isEmpty { keys[keys.count - 1].append(previous) }
      default: break
      }
      previous = next
    }
    let first = keys.last?.first { decoded($0) == key }
    let place = first.map { "; the first is at \($0.location(in: file))" } ?? ""
    return Diagnostic(here, "the key \(key.quotedForMessage) appears twice in one map\(place)")
  }

  /// The value of a string token.
  private func decoded(_ token: JSONToken) -> String? {
    let limits = DocumentLimits(bytes: .max, depth: 1, nodes: 1)
    return try? JSONTree(bytes[token.range], file: file, limits: limits).value.string
  }
}

extension String {
  /// The text before the last `mark`; all of it when there is none.
  fileprivate func prefix(before mark: String) -> String {
    let (text, mark) = (Array(utf8), Array(mark.utf8))
    guard text.count >= mark.count else { return self }
    for start in stride(from: text.count - mark.count, through: 0, by: -1)
    where text[start..<(start + mark.count)] == mark[...] {
      return String(decoding: text[..<start], as: UTF8.self)
    }
    return self
  }
}
