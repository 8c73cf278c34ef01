/// A recursive-descent parser (langdef.md, "Syntax").
struct Parser {
  private let tokens: [Token]
  private var at = 0
  private var depth = 0

  /// Bounds the recursion: each level of brackets costs about nine stack frames.
  private static let greatestDepth = 64

  static func parse(_ text: [UInt8]) throws(CELError) -> Syntax {
    var parser = Parser(tokens: try Lexer.tokens(text))
    guard parser.current.kind != .end else {
      throw CELError(offset: 0, message: "the expression is empty", kind: .syntax)
    }
    let syntax = try parser.expression()
    guard parser.current.kind == .end else {
      throw parser.error("expected an operator, not \(parser.current.text)\(parser.spelling)")
    }
    return syntax
  }

  private init(tokens: [Token]) { self.tokens = tokens }

  /// How an operator is written that people know as a word; empty for others.
  private var spelling: String {
    let spellings = ["and": "&&", "or": "||", "is": "==", "equals": "==", "not": "!"]
    for token in [current] + (at > 0 ? [previous] : []) {
      guard case .identifier(let word) = token.kind, let symbol = spellings[word.lowercased()] else { continue }
      return ": '\(word)' is written '\(symbol)'"
    }
    return ""
  }

  // MARK: Tokens

  var current: Token { tokens[at] }

  /// The token that was consumed last.
  var previous: Token { tokens[at - 1] }

  func error(_ message: String, at offset: Int? = nil) -> CELError {
    CELError(offset: offset ?? current.offset, message: message, kind: .syntax)
  }

  func sees(_ symbol: String) -> Bool { current.kind == .symbol(symbol) }

  mutating func advance() { if at < tokens.count - 1 { at += 1 } }

  mutating func take(_ symbol: String) -> Bool {
    guard sees(symbol) else { return false }
    advance()
    return true
  }

  /// Consumes the current token when it is one of `symbols`, and returns the symbol and its offset; otherwise nil.
  private mutating func takeOne(of symbols: [String]) -> (symbol: String, offset: Int)? {
    guard case .symbol(let symbol) = current.kind, symbols.contains(symbol) else { return nil }
    defer { advance() }
    return (symbol, current.offset)
  }

  mutating func expect(_ symbol: String, _ why: String) throws(CELError) {
    guard take(symbol) else { throw error("expected '\(symbol)' \(why), not \(current.text)") }
  }

  // MARK: Operators, lowest precedence first

  mutating func expression() throws(CELError) -> Syntax {
    depth += 1
    defer { depth -= 1 }
    guard depth <= Self.greatestDepth else {
      throw error("brackets are nested more than \(Self.greatestDepth) levels deep")
    }
    let condition = try alternatives()
    let offset = current.offset
    guard take("?") else { return condition }
    let whenTrue = try alternatives()
    try expect(":", "between the two results of '?'")
    let whenFalse = try expression()
    return try Syntax(
      .conditional(condition, whenTrue, whenFalse), offset, over: [condition, whenTrue, whenFalse])
  }

  private mutating func alternatives() throws(CELError) -> Syntax {
    let first = try conjunction()
    let offset = current.offset
    guard sees("||") else { return first }
    var parts = [first]
    while take("||") { parts.append(try conjunction()) }
    return try Syntax(.or(parts), offset, over: parts)
  }

  private mutating func conjunction() throws(CELError) -> Syntax {
    let first = try relation()
    let offset = current.offset
    guard sees("&&") else { return first }
    var parts = [first]
    while take("&&") { parts.append(try relation()) }
    return try Syntax(.and(parts), offset, over: parts)
  }

  private mutating func relation() throws(CELError) -> Syntax {
    var left = try sum()
    while let (symbol, offset) = takeOne(of: ["==", "!=", "<", "<=", ">", ">=", "in"]) {
      let right = try sum()
      let kind: Syntax.Kind =
        switch symbol {
        case "==": .equal(left, right, negated: false)
        case "!=": .equal(left, right, negated: true)
        case "in": .member(left, of: right)
        default: .order(Order(rawValue: symbol)!, left, right)
        }
      left = try Syntax(kind, offset, over: [left, right])
    }
    return left
  }

  private mutating func sum() throws(CELError) -> Syntax {
    var left = try product()
    while let (symbol, offset) = takeOne(of: ["+", "-"]) {
      let right = try product()
      left = try Syntax(.arithmetic(Arithmetic(rawValue: symbol)!, left, right), offset, over: [left, right])
    }
    return left
  }

  private mutating func product() throws(CELError) -> Syntax {
    var left = try unary()
    while let (symbol, offset) = takeOne(of: ["*", "/", "%"]) {
      let right = try unary()
      left = try Syntax(.arithmetic(Arithmetic(rawValue: symbol)!, left, right), offset, over: [left, right])
    }
    return left
  }

  private mutating func unary() throws(CELError) -> Syntax {
    guard sees("!") || sees("-") else { return try member() }
    let symbol: String = sees("!") ? "!" : "-"
    var offsets: [Int] = []
    while sees(symbol) {
      offsets.append(current.offset)
      advance()
    }
    // Parse the sign as part of the number: the magnitude of the smallest integer does not fit into Int64.
    var operand: Syntax
    if symbol == "-", let last = offsets.last, let literal = try negativeLiteral(last) {
      offsets.removeLast()
      operand = try members(of: literal)
    } else {
      operand = try member()
    }
    // Pairs of signs cancel out. Keep one pair, so that the operand's type is still checked.
    if offsets.count > 2 { offsets = Array(offsets.suffix(2 - offsets.count % 2)) }
    for offset in offsets.reversed() {
      operand = try Syntax(symbol == "!" ? .not(operand) : .negate(operand), offset, over: [operand])
    }
    return operand
  }

  private mutating func negativeLiteral(_ sign: Int) throws(CELError) -> Syntax? {
    let value: CELValue
    switch current.kind {
    case .int(let magnitude):
      guard magnitude <= UInt64(Int64.max) + 1 else { throw error("the number is too small for 64 bits", at: sign) }
      value = .int(magnitude > UInt64(Int64.max) ? .min : -Int64(magnitude))
    case .double(let magnitude): value = .double(-magnitude)
    default: return nil
    }
    advance()
    return try Syntax(.literal(value), sign)
  }
}
