/// A condition split at its `&&`, `||` and `!`, each part with its text, so that people see which part decides.
package indirect enum ConditionPart: Sendable, Hashable {
  /// All must be true.
  case all([ConditionPart])
  /// One must be true.
  case any([ConditionPart])
  /// An expression that is not split further.
  case leaf(String)
  /// An expression that must be false.
  case not(ConditionPart)

  /// Splits an expression that compiles.
  package init(_ text: String) {
    let bytes = Array(text.utf8)
    let tokens = (try? Lexer.tokens(bytes)) ?? []
    self = tokens.count < 2 ? .leaf(text) : Self.part(bytes, tokens, 0..<tokens.count - 1)
  }

  /// The leaves, in the order of the text.
  package var leaves: [String] {
    switch self {
    case .all(let parts), .any(let parts): parts.flatMap(\.leaves)
    case .leaf(let text): [text]
    case .not(let part): part.leaves
    }
  }

  /// The part as written, without outer brackets.
  package var text: String {
    switch self {
    case .leaf(let text): text
    case .not(let part): "!(\(part.text))"
    case .all(let parts): parts.map(\.text).joined(separator: " && ")
    case .any(let parts): parts.map(\.text).joined(separator: " || ")
    }
  }

  /// The sides of a comparison such as `sensor('soil') < 30`; nil for other expressions.
  package static func comparison(_ text: String) -> (left: String, operation: String, right: String)? {
    let bytes = Array(text.utf8)
    guard let tokens = try? Lexer.tokens(bytes) else { return nil }
    var depth = 0
    var found: (place: Int, symbol: String)?
    for (place, token) in tokens.enumerated() {
      guard case .symbol(let symbol) = token.kind else { continue }
      depth += step(symbol)
      guard depth == 0 else { continue }
      switch symbol {
      case "?", "&&", "||": return nil
      case "<", "<=", ">", ">=", "==", "!=": found = (place, symbol)
      default: break
      }
    }
    guard let found, found.place > 0, found.place + 1 < tokens.count - 1 else { return nil }
    let left = String(decoding: bytes[tokens[0].offset..<tokens[found.place].offset], as: UTF8.self)
    let right = String(decoding: bytes[tokens[found.place + 1].offset...], as: UTF8.self)
    return (trimmed(left), found.symbol, trimmed(right))
  }

  /// - Parameter range: which tokens; the one after it tells where the text of the last one ends.
  private static func part(_ bytes: [UInt8], _ tokens: [Token], _ range: Range<Int>) -> ConditionPart {
    if split(tokens, range, at: "?").count > 1 { return leaf(bytes, tokens, range) }
    let choices = split(tokens, range, at: "||")
    if choices.count > 1 { return .any(choices.map { part(bytes, tokens, $0) }) }
    let parts = split(tokens, range, at: "&&")
    if parts.count > 1 { return .all(parts.map { part(bytes, tokens, $0) }) }
    if range.count > 3, tokens[range.lowerBound].kind == .symbol("!"), isWhole(tokens, range.dropFirst()) {
      return .not(part(bytes, tokens, range.lowerBound + 2..<range.upperBound - 1))
    }
    if range.count > 2, isWhole(tokens, range) {
      return part(bytes, tokens, range.lowerBound + 1..<range.upperBound - 1)
    }
    return leaf(bytes, tokens, range)
  }

  private static func leaf(_ bytes: [UInt8], _ tokens: [Token], _ range: Range<Int>) -> ConditionPart {
    guard !range.isEmpty else { return .leaf("") }
    return .leaf(
      trimmed(String(decoding: bytes[tokens[range.lowerBound].offset..<tokens[range.upperBound].offset], as: UTF8.self))
    )
  }

  /// Whether the tokens are one pair of brackets with its contents.
  private static func isWhole(_ tokens: [Token], _ range: Range<Int>) -> Bool {
    guard tokens[range.lowerBound].kind == .symbol("("), tokens[range.upperBound - 1].kind == .symbol(")") else {
      return false
    }
    var depth = 0
    for token in tokens[range].dropLast() {
      if case .symbol(let symbol) = token.kind { depth += step(symbol) }
      if depth == 0 { return false }
    }
    return true
  }

  private static func split(_ tokens: [Token], _ range: Range<Int>, at wanted: String) -> [Range<Int>] {
    var parts: [Range<Int>] = []
    var start = range.lowerBound
    var depth = 0
    for place in range {
      guard case .symbol(let symbol) = tokens[place].kind else { continue }
      depth += step(symbol)
      if depth == 0, symbol == wanted {
        parts.append(start..<place)
        start = place + 1
      }
    }
    return parts + [start..<range.upperBound]
  }

  private static func step(_ symbol: String) -> Int {
    switch symbol {
    case "(", "[", "{": 1
    case ")", "]", "}": -1
    default: 0
    }
  }

  private static func trimmed(_ text: String) -> String {
    var text = text[...]
    while let first = text.first, first.isWhitespace { text.removeFirst() }
    while let last = text.last, last.isWhitespace { text.removeLast() }
    return String(text)
  }
}
