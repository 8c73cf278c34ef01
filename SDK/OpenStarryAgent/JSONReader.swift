/// Parses a JSON text in one pass.
struct JSONReader {
  private let bytes: [UInt8]
  private var offset = 0
  private var depth = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// The text's one value.
  mutating func document() throws(AgentError) -> Value {
    let value = try value()
    skipSpace()
    guard offset == bytes.count else { throw wrong("the end of the text") }
    return value
  }

  private mutating func value() throws(AgentError) -> Value {
    skipSpace()
    switch next {
    case UInt8(ascii: "{"): return try map()
    case UInt8(ascii: "["): return try list()
    case UInt8(ascii: "\""):
      let start = offset
      return .string(try text(try string(), from: start))
    case UInt8(ascii: "t"): return try word(0x7472_7565, .bool(true))
    case UInt8(ascii: "f"):
      offset += 1
      return try word(0x616C_7365, .bool(false))
    case UInt8(ascii: "n"): return try word(0x6E75_6C6C, .null)
    default: return try number()
    }
  }

  private mutating func map() throws(AgentError) -> Value {
    var entries = MapEntries()
    try open()
    skipSpace()
    if !take(UInt8(ascii: "}")) {
      repeat {
        skipSpace()
        let start = offset
        guard next == UInt8(ascii: "\"") else { throw wrong("a key") }
        let key = try text(try string(), from: start)
        guard entries.insert(key) else { throw wrong("a key that is not a duplicate", at: start) }
        skipSpace()
        guard take(UInt8(ascii: ":")) else { throw wrong("':'") }
        entries.setLast(try value())
        skipSpace()
      } while take(UInt8(ascii: ","))
      guard take(UInt8(ascii: "}")) else { throw wrong("',' or '}'") }
    }
    depth -= 1
    return .map(entries.fields)
  }

  private mutating func list() throws(AgentError) -> Value {
    var values: [Value] = []
    try open()
    skipSpace()
    if !take(UInt8(ascii: "]")) {
      repeat {
        values.append(try value())
        skipSpace()
      } while take(UInt8(ascii: ","))
      guard take(UInt8(ascii: "]")) else { throw wrong("',' or ']'") }
    }
    depth -= 1
    return .list(values)
  }

  private mutating func open() throws(AgentError) {
    depth += 1
    if depth > JSONText.depth { throw wrong("at most \(JSONText.depth) nested lists and maps") }
    offset += 1
  }

  /// - Parameter text: four letters of ASCII, the first in the upper byte.
  private mutating func word(_ text: UInt32, _ value: Value) throws(AgentError) -> Value {
    for place in 0..<4 {
      guard take(UInt8(truncatingIfNeeded: text >> UInt32(24 - place * 8))) else {
        throw wrong("true, false or null")
      }
    }
    return value
  }

  private mutating func number() throws(AgentError) -> Value {
    let start = offset
    var decimal = JSONDecimal(isNegative: take(UInt8(ascii: "-")))
    if next == UInt8(ascii: "0") {
      offset += 1
    } else {
      guard takeDigits({ decimal.append($0, isFraction: false) }) else {
        throw wrong(offset == start ? "a value" : "a digit")
      }
    }
    var isInteger = true
    if take(UInt8(ascii: ".")) {
      isInteger = false
      guard takeDigits({ decimal.append($0, isFraction: true) }) else { throw wrong("a digit") }
    }
    if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
      isInteger = false
      let isNegative = take(UInt8(ascii: "-"))
      if !isNegative { _ = take(UInt8(ascii: "+")) }
      var exponent = 0
      // A larger exponent makes no difference; do not overflow.
      guard takeDigits({ exponent = min(exponent * 10 + Int($0), 100_000_000) }) else { throw wrong("a digit") }
      decimal.exponent += isNegative ? -exponent : exponent
    }
    if isInteger {
      guard let value = decimal.integer else { throw wrong("an integer of 64 bits", at: start) }
      return .int(value)
    }
    guard let value = decimal.double else { throw wrong("a number within floating point", at: start) }
    return .double(value)
  }

  private mutating func takeDigits(_ body: (UInt8) -> Void) -> Bool {
    let start = offset
    while let byte = next, byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") {
      body(byte - UInt8(ascii: "0"))
      offset += 1
    }
    return offset > start
  }

  private func text(_ bytes: [UInt8], from start: Int) throws(AgentError) -> String {
    guard let text = String(validating: bytes, as: UTF8.self) else { throw wrong("UTF-8", at: start) }
    return text
  }

  /// A string without quotation marks and escapes. Its UTF-8 is not validated.
  private mutating func string() throws(AgentError) -> [UInt8] {
    offset += 1
    var text: [UInt8] = []
    while true {
      guard let byte = next else { throw wrong("the end of a text") }
      offset += 1
      switch byte {
      case UInt8(ascii: "\""): return text
      case UInt8(ascii: "\\"): try escape(&text)
      case ..<0x20: throw wrong("no control character within a text", at: offset - 1)
      default: text.append(byte)
      }
    }
  }

  private mutating func escape(_ text: inout [UInt8]) throws(AgentError) {
    guard let byte = next else { throw wrong("the end of a text") }
    offset += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
    case UInt8(ascii: "b"): text.append(8)
    case UInt8(ascii: "f"): text.append(12)
    case UInt8(ascii: "n"): text.append(10)
    case UInt8(ascii: "r"): text.append(13)
    case UInt8(ascii: "t"): text.append(9)
    case UInt8(ascii: "u"): try append(scalar: try scalar(), to: &text)
    default: throw wrong("an escape", at: offset - 1)
    }
  }

  /// The character after `\u`: one unit of UTF-16, or a surrogate pair.
  private mutating func scalar() throws(AgentError) -> UInt32 {
    let start = offset
    let unit = try unit()
    if unit & 0xFC00 == 0xD800, take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) {
      let second = try self.unit()
      if second & 0xFC00 == 0xDC00 { return 0x10000 + (unit & 0x3FF) << 10 + second & 0x3FF }
    } else if unit & 0xF800 != 0xD800, unit != 0 {
      return unit
    }
    throw wrong("a character", at: start)
  }

  private mutating func unit() throws(AgentError) -> UInt32 {
    var unit: UInt32 = 0
    for _ in 0..<4 {
      let digit: UInt8
      switch next {
      case let byte? where byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
      case let byte? where byte | 32 >= UInt8(ascii: "a") && byte | 32 <= UInt8(ascii: "f"):
        digit = byte | 32 - UInt8(ascii: "a") + 10
      default: throw wrong("four hexadecimal digits")
      }
      unit = unit << 4 | UInt32(digit)
      offset += 1
    }
    return unit
  }

  private func append(scalar: UInt32, to text: inout [UInt8]) throws(AgentError) {
    switch scalar {
    case ..<0x80: text.append(UInt8(scalar))
    case ..<0x800: text += [0xC0 | UInt8(scalar >> 6), 0x80 | UInt8(scalar & 63)]
    case ..<0x10000:
      text += [0xE0 | UInt8(scalar >> 12), 0x80 | UInt8(scalar >> 6 & 63), 0x80 | UInt8(scalar & 63)]
    default:
      text += [
        0xF0 | UInt8(scalar >> 18), 0x80 | UInt8(scalar >> 12 & 63), 0x80 | UInt8(scalar >> 6 & 63),
        0x80 | UInt8(scalar & 63),
      ]
    }
  }

  private var next: UInt8? { offset < bytes.count ? bytes[offset] : nil }

  private mutating func take(_ byte: UInt8) -> Bool {
    guard next == byte else { return false }
    offset += 1
    return true
  }

  private mutating func skipSpace() {
    while let byte = next, byte == 32 || byte == 10 || byte == 13 || byte == 9 { offset += 1 }
  }

  private func wrong(_ expected: String, at place: Int? = nil) -> AgentError {
    AgentError(.invalid, "not JSON: expected \(expected) at byte \(place ?? offset)")
  }
}
