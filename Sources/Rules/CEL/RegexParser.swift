/// Parses a regular expression. Features of RE2 that are not supported are errors that name the feature.
struct RegexParser {
  private struct Flags {
    var ignoresCase = false
    var isMultiline = false
    var dotMatchesNewline = false
  }

  private let pattern: [Unicode.Scalar]
  private var at = 0
  private var flags = Flags()
  private var depth = 0

  static func parse(_ text: String) throws(CELError) -> RegexSyntax {
    var parser = RegexParser(pattern: Array(text.unicodeScalars))
    let syntax = try parser.alternatives()
    guard parser.current == nil else { throw parser.error("')' without '('") }
    return syntax
  }

  private init(pattern: [Unicode.Scalar]) { self.pattern = pattern }

  private var current: Unicode.Scalar? { at < pattern.count ? pattern[at] : nil }

  private func error(_ message: String) -> CELError {
    CELError(message: "regular expression, character \(at + 1): \(message)")
  }

  private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
    guard current == scalar else { return false }
    at += 1
    return true
  }

  private mutating func take(_ text: String) -> Bool {
    guard pattern[at...].starts(with: text.unicodeScalars) else { return false }
    at += text.unicodeScalars.count
    return true
  }

  private mutating func alternatives() throws(CELError) -> RegexSyntax {
    depth += 1
    defer { depth -= 1 }
    guard depth <= 32 else { throw error("groups are nested more than 32 levels deep") }
    var branches = [try sequence()]
    while take("|") { branches.append(try sequence()) }
    return branches.count == 1 ? branches[0] : .alternatives(branches)
  }

  private mutating func sequence() throws(CELError) -> RegexSyntax {
    var parts: [RegexSyntax] = []
    while let scalar = current, scalar != "|", scalar != ")" {
      parts.append(try repetition(of: try piece()))
    }
    return .sequence(parts)
  }

  private mutating func repetition(of piece: RegexSyntax) throws(CELError) -> RegexSyntax {
    var syntax = piece
    var isRepeated = false
    while let (least, most) = try count() {
      guard !isRepeated else { throw error("a repetition of a repetition; put the first one into a group") }
      isRepeated = true
      // Ignore lazy quantifiers: they do not change whether there is a match.
      _ = take("?")
      syntax = .repetition(syntax, least: least, most: most)
    }
    return syntax
  }

  private mutating func count() throws(CELError) -> (Int, Int?)? {
    if take("*") { return (0, nil) }
    if take("+") { return (1, nil) }
    if take("?") { return (0, 1) }
    guard current == "{" else { return nil }
    let start = at
    at += 1
    let least = number()
    var most = least
    if take(",") { most = number() }
    let isOpen = pattern[at - 1] == ","
    // As in RE2, a brace that does not begin a count is a literal.
    guard let least, take("}") else {
      at = start
      return nil
    }
    guard least <= 1000, (most ?? 0) <= 1000, isOpen || least <= most ?? 0 else {
      throw error("a repetition count must be at most 1000, and its limits in order")
    }
    return (least, isOpen ? nil : most)
  }

  private mutating func number() -> Int? {
    var value: Int?
    while let scalar = current, ("0"..."9").contains(scalar) {
      value = min((value ?? 0) * 10 + Int(scalar.value - 48), 100_000)
      at += 1
    }
    return value
  }

  private mutating func piece() throws(CELError) -> RegexSyntax {
    let scalar = pattern[at]
    switch scalar {
    case "(": return try group()
    case "[": return .scalars(try set())
    case ".":
      at += 1
      return .scalars(flags.dotMatchesNewline ? .all : ScalarSet(ranges: [10...10], isNegated: true))
    case "^":
      at += 1
      return .assertion(flags.isMultiline ? .lineStart : .textStart)
    case "$":
      at += 1
      return .assertion(flags.isMultiline ? .lineEnd : .textEnd)
    case "*", "+", "?": throw error("'\(scalar)' has nothing to repeat")
    case "\\":
      at += 1
      return try escape()
    default:
      at += 1
      return .scalars(literal(scalar.value))
    }
  }

  private func literal(_ scalar: UInt32) -> ScalarSet {
    let set = ScalarSet(ranges: [scalar...scalar])
    return flags.ignoresCase ? set.ignoringCase : set
  }

  private mutating func group() throws(CELError) -> RegexSyntax {
    at += 1
    let outer = flags
    if take("?") {
      if take("P<") || take("<") {
        guard current != "=", current != "!" else { throw error("look-behind is not supported (nor is it in RE2)") }
        while let scalar = current, scalar != ">", scalar != ")" { at += 1 }
        guard take(">") else { throw error("the group name has no closing '>'") }
      } else if current == "=" || current == "!" {
        throw error("look-ahead is not supported (nor is it in RE2)")
      } else {
        try readFlags()
        // Flags without a group apply until the end of the enclosing group.
        if take(")") { return .empty }
        guard take(":") else { throw error("expected ':' or ')' after the flags") }
      }
    }
    let inner = try alternatives()
    guard take(")") else { throw error("'(' without ')'") }
    flags = outer
    return inner
  }

  private mutating func readFlags() throws(CELError) {
    var isOn = true
    while let scalar = current, scalar != ":", scalar != ")" {
      switch scalar {
      case "-": isOn = false
      case "i": flags.ignoresCase = isOn
      case "m": flags.isMultiline = isOn
      case "s": flags.dotMatchesNewline = isOn
      default: throw error("unknown flag '\(scalar)'; the flags are i, m and s")
      }
      at += 1
    }
  }

  private mutating func escape() throws(CELError) -> RegexSyntax {
    guard let scalar = current else { throw error("a backslash at the end") }
    switch scalar {
    case "A": at += 1; return .assertion(.textStart)
    case "z": at += 1; return .assertion(.textEnd)
    case "b": at += 1; return .assertion(.wordBoundary)
    case "B": at += 1; return .assertion(.noWordBoundary)
    default: break
    }
    if let set = try classEscape() { return .scalars(set) }
    return .scalars(literal(try scalarEscape()))
  }

  /// `\d`, `\w`, `\s` and their complements. For anything else nil, and nothing is consumed.
  private mutating func classEscape() throws(CELError) -> ScalarSet? {
    var set: ScalarSet
    switch current {
    case "d", "D": set = .digits
    case "w", "W": set = .word
    case "s", "S": set = .blanks
    case "p", "P": throw error("Unicode classes (\\p) are not supported; use a range such as [à-ÿ]")
    default: return nil
    }
    set.isNegated = current == "D" || current == "W" || current == "S"
    at += 1
    return set
  }

  /// The character that an escape after a backslash stands for.
  private mutating func scalarEscape() throws(CELError) -> UInt32 {
    guard let scalar = current else { throw error("a backslash at the end") }
    at += 1
    switch scalar {
    case "n": return 10
    case "t": return 9
    case "r": return 13
    case "f": return 12
    case "v": return 11
    case "a": return 7
    case "x":
      let isBraced = take("{")
      var value: UInt32 = 0
      var digits = 0
      while let scalar = current, scalar.isASCII, let digit = hexValue(UInt8(scalar.value)), digits < (isBraced ? 6 : 2)
      {
        value = value << 4 | digit
        digits += 1
        at += 1
      }
      guard digits > 0, isBraced ? take("}") : digits == 2, Unicode.Scalar(value) != nil else {
        throw error("'\\x' needs two hexadecimal digits, or braces around them")
      }
      return value
    case "1"..."9": throw error("back-references are not supported (nor are they in RE2)")
    default:
      guard scalar.value < 128, !isNameStart(UInt8(scalar.value)), scalar != "0" else {
        throw error("unknown escape '\\\(scalar)'")
      }
      return scalar.value
    }
  }

  private static let named: [(String, ScalarSet)] = [
    ("[:alpha:]", ScalarSet(ranges: [0x41...0x5A, 0x61...0x7A])), ("[:digit:]", .digits),
    ("[:alnum:]", ScalarSet(ranges: [0x30...0x39, 0x41...0x5A, 0x61...0x7A])),
    ("[:lower:]", ScalarSet(ranges: [0x61...0x7A])), ("[:upper:]", ScalarSet(ranges: [0x41...0x5A])),
    ("[:space:]", ScalarSet(ranges: [0x09...0x0D, 0x20...0x20])), ("[:word:]", .word),
    ("[:xdigit:]", ScalarSet(ranges: [0x30...0x39, 0x41...0x46, 0x61...0x66])),
    ("[:punct:]", ScalarSet(ranges: [0x21...0x2F, 0x3A...0x40, 0x5B...0x60, 0x7B...0x7E])),
  ]

  private mutating func set() throws(CELError) -> ScalarSet {
    at += 1
    var set = ScalarSet(ranges: [], isNegated: take("^"))
    var isFirst = true
    while let scalar = current, scalar != "]" || isFirst {
      isFirst = false
      if let named = Self.named.first(where: { pattern[at...].starts(with: $0.0.unicodeScalars) }) {
        at += named.0.unicodeScalars.count
        set.ranges += named.1.ranges
        continue
      }
      if scalar == "\\" {
        at += 1
        if let escaped = try classEscape() {
          set.ranges += escaped.plain
          continue
        }
        at -= 1
      }
      let low = try setMember()
      var high = low
      if current == "-", at + 1 < pattern.count, pattern[at + 1] != "]" {
        at += 1
        high = try setMember()
      }
      guard low <= high else { throw error("the range ends before it begins") }
      set.ranges.append(low...high)
    }
    guard take("]") else { throw error("'[' without ']'") }
    return flags.ignoresCase ? set.ignoringCase : set
  }

  private mutating func setMember() throws(CELError) -> UInt32 {
    guard let scalar = current else { throw error("'[' without ']'") }
    at += 1
    return scalar == "\\" ? try scalarEscape() : scalar.value
  }
}
