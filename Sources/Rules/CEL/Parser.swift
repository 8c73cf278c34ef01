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
      throw parser.error("expected an operator, not \(parser.current.text)")
    }
    return syntax
  }

  private init(tokens: [Token]) { self.tokens = tokens }

  // MARK: Tokens

  var current: Token { tokens[at] }

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

  // MARK: Fields, calls and indices

  private mutating func member() throws(CELError) -> Syntax { try members(of: try primary()) }

  private mutating func members(of start: Syntax) throws(CELError) -> Syntax {
    var syntax = start
    while true {
      let offset = current.offset
      if take(".") {
        let isOptional = take("?")
        let (name, isQuoted) = try fieldName()
        if isOptional {
          guard !sees("(") else { throw error("'.?' is followed by a field, not by a function") }
          syntax = try Syntax(.optionalSelect(syntax, name), offset, over: [syntax])
        } else if !isQuoted, sees("(") {
          let nameOffset = tokens[at - 1].offset
          advance()
          let arguments = try arguments()
          syntax = try call(name, nameOffset, target: syntax, arguments)
        } else {
          syntax = try Syntax(.select(syntax, name), offset, over: [syntax])
        }
      } else if take("[") {
        let isOptional = take("?")
        let index = try expression()
        try expect("]", "at the end of the index")
        syntax = try Syntax(
          isOptional ? .optionalIndex(syntax, index) : .index(syntax, index), offset, over: [syntax, index])
      } else if sees("{"), case .identifier = syntax.kind {
        throw error("messages (Name{…}) are not part of this CEL; use a map: {'field': value}")
      } else {
        return syntax
      }
    }
  }

  private mutating func fieldName() throws(CELError) -> (name: String, isQuoted: Bool) {
    defer { advance() }
    switch current.kind {
    case .identifier(let name): return (name, false)
    case .quotedName(let name): return (name, true)
    default: throw error("expected a field name after '.', not \(current.text)")
    }
  }

  mutating func arguments() throws(CELError) -> [Syntax] {
    var arguments: [Syntax] = []
    while !take(")") {
      if !arguments.isEmpty { try expect(",", "or ')' at the end of the arguments") }
      arguments.append(try expression())
    }
    return arguments
  }

  mutating func listItems() throws(CELError) -> [Syntax.Item] {
    var items: [Syntax.Item] = []
    while !take("]") {
      if !items.isEmpty {
        try expect(",", "or ']' at the end of the list")
        // A trailing comma is allowed in lists, but not in arguments.
        if take("]") { break }
      }
      let isOptional = take("?")
      items.append(Syntax.Item(value: try expression(), isOptional: isOptional))
    }
    return items
  }

  mutating func mapEntries() throws(CELError) -> [Syntax.Entry] {
    var entries: [Syntax.Entry] = []
    while !take("}") {
      if !entries.isEmpty {
        try expect(",", "or '}' at the end of the map")
        if take("}") { break }
      }
      let isOptional = take("?")
      let key = try expression()
      try expect(":", "between key and value")
      entries.append(Syntax.Entry(key: key, value: try expression(), isOptional: isOptional))
    }
    return entries
  }
}
