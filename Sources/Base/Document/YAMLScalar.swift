/// Resolves scalars by the YAML 1.2 core schema (yaml.org/spec/1.2.2, section 10.3.2).
enum YAMLScalar {
  /// Why a scalar is refused: one sentence without a full stop.
  struct Refusal: Error { var message: String }

  /// The prefix of the core schema's tags; `!!` is short for it.
  static let corePrefix = "tag:yaml.org,2002:"

  /// The value of a scalar.
  /// - Parameters:
  ///   - text: the text without quotes, its escapes resolved.
  ///   - plain: whether it was neither quoted nor a block scalar.
  ///   - tag: its tag, with the handle resolved.
  static func content(_ text: String, plain: Bool, tag: String?) throws(Refusal) -> Node.Content {
    if text.utf8.contains(0) { throw Refusal(message: "text must not contain the character U+0000") }
    guard let tag else { return plain ? try resolve(text) : .string(text) }
    if tag == "!" || tag == corePrefix + "str" { return .string(text) }
    let content = try resolve(text)
    switch (tag, content) {
    case (corePrefix + "null", .null), (corePrefix + "bool", .bool), (corePrefix + "int", .int),
      (corePrefix + "float", .double):
      return content
    case (corePrefix + "float", .int(let value)): return .double(Double(value))
    case (corePrefix + "null", _), (corePrefix + "bool", _), (corePrefix + "int", _), (corePrefix + "float", _):
      throw Refusal(message: "\(text.quotedForMessage) does not match its tag \(shown(tag))")
    default: throw unknown(tag)
    }
  }

  /// The refusal of a tag that is not one of the core schema's.
  static func unknown(_ tag: String) -> Refusal {
    let known = "!!str, !!int, !!float, !!bool, !!null, !!seq and !!map"
    // `while: !input('motion')` is a condition for people, and a tag for YAML.
    if tag.hasPrefix("!"), tag.contains("(") {
      return Refusal(message: "YAML reads \(shown(tag)) as a tag: a text that begins with '!' needs quotes")
    }
    return Refusal(message: "the tag \(shown(tag)) is unknown; expected none, or one of \(known)")
  }

  /// A tag in quotes, with `!!` for the core schema's prefix.
  static func shown(_ tag: String) -> String {
    (tag.hasPrefix(corePrefix) ? "!!" + tag.dropFirst(corePrefix.count) : tag).quotedForMessage
  }

  private static func resolve(_ text: String) throws(Refusal) -> Node.Content {
    switch text {
    case "", "~", "null", "Null", "NULL": return .null
    case "true", "True", "TRUE": return .bool(true)
    case "false", "False", "FALSE": return .bool(false)
    default: break
    }
    // Almost every scalar is plain text, which the first character shows.
    switch text.utf8.first ?? 0 {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."):
      return try number(text) ?? .string(text)
    default: return .string(text)
    }
  }

  private static func number(_ text: String) throws(Refusal) -> Node.Content? {
    let utf8 = Array(text.utf8)
    let sign = utf8.first == UInt8(ascii: "-") || utf8.first == UInt8(ascii: "+") ? 1 : 0
    let rest = utf8[sign...]
    if [".inf", ".Inf", ".INF"].contains(where: { rest.elementsEqual($0.utf8) }) {
      throw Refusal(message: "\(text) is infinite; expected a finite number, or text in quotes")
    }
    if [".nan", ".NaN", ".NAN"].contains(where: { utf8.elementsEqual($0.utf8) }) {
      throw Refusal(message: "\(text) is not a number; expected a finite number, or text in quotes")
    }
    if utf8.starts(with: "0o".utf8), let value = try digits(utf8[2...], radix: 8, of: text) { return .int(value) }
    if utf8.starts(with: "0x".utf8), let value = try digits(utf8[2...], radix: 16, of: text) { return .int(value) }
    if !rest.isEmpty, rest.allSatisfy(isDigit) {
      guard let value = Int64(text) else { throw tooLarge(text) }
      return .int(value)
    }
    guard isFloat(rest) else { return nil }
    guard let value = Double(text), value.isFinite else {
      throw Refusal(message: "\(text.quotedForMessage) is too large for a floating-point number (about ±1.8e308)")
    }
    return .double(value)
  }

  private static func digits(_ digits: ArraySlice<UInt8>, radix: Int, of text: String) throws(Refusal) -> Int64? {
    let isNumber = digits.allSatisfy { Character(Unicode.Scalar($0)).hexDigitValue.map { $0 < radix } ?? false }
    guard !digits.isEmpty, isNumber else { return nil }
    guard let value = Int64(String(decoding: digits, as: UTF8.self), radix: radix) else { throw tooLarge(text) }
    return value
  }

  private static func tooLarge(_ text: String) -> Refusal {
    let advice = "put it in quotes if it is a name"
    return Refusal(message: "the integer \(text.quotedForMessage) does not fit in 64 bits (±9.2e18); \(advice)")
  }

  /// `.5`, `1.`, `1.5`, `1e3`, `1.5E-3`: `( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?`.
  private static func isFloat(_ text: ArraySlice<UInt8>) -> Bool {
    var rest = text
    let whole = rest.prefix(while: isDigit).count
    rest = rest.dropFirst(whole)
    var fraction = 0
    if rest.first == UInt8(ascii: ".") {
      rest = rest.dropFirst()
      fraction = rest.prefix(while: isDigit).count
      rest = rest.dropFirst(fraction)
    }
    guard whole + fraction > 0 else { return false }
    guard let mark = rest.first else { return true }
    guard mark == UInt8(ascii: "e") || mark == UInt8(ascii: "E") else { return false }
    rest = rest.dropFirst()
    if rest.first == UInt8(ascii: "-") || rest.first == UInt8(ascii: "+") { rest = rest.dropFirst() }
    return !rest.isEmpty && rest.allSatisfy(isDigit)
  }

  private static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }
}
