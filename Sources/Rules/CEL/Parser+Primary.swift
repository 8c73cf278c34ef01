extension Parser {
  /// Reserved words. They may be field names, but not variables (langdef.md, "RESERVED").
  private static let reserved: Set<String> = [
    "as", "break", "const", "continue", "else", "for", "function", "if", "import", "let", "loop", "package",
    "namespace", "return", "var", "void", "while",
  ]

  mutating func primary() throws(CELError) -> Syntax {
    let token = current
    // A leading point resolves the name in the root scope (langdef.md, "Name Resolution").
    if take(".") {
      guard case .identifier = current.kind else { throw error("expected a name after '.', not \(current.text)") }
      let named = try primary()
      guard case .identifier(let name) = named.kind else { return named }
      return try Syntax(.outermost(name), token.offset)
    }
    advance()
    switch token.kind {
    case .int(let magnitude):
      guard let value = Int64(exactly: magnitude) else {
        throw error("the number is too large for a signed integer; write \(magnitude)u", at: token.offset)
      }
      return try Syntax(.literal(.int(value)), token.offset)
    case .uint(let value): return try Syntax(.literal(.uint(value)), token.offset)
    case .double(let value): return try Syntax(.literal(.double(value)), token.offset)
    case .string(let value): return try Syntax(.literal(.string(value)), token.offset)
    case .bytes(let value): return try Syntax(.literal(.bytes(value)), token.offset)
    case .identifier(let name): return try named(name, token.offset)
    case .quotedName:
      throw error("a name between backticks can only be a field, as in event.payload.`a-b`", at: token.offset)
    case .symbol("true"): return try Syntax(.literal(.bool(true)), token.offset)
    case .symbol("false"): return try Syntax(.literal(.bool(false)), token.offset)
    case .symbol("null"): return try Syntax(.literal(.null), token.offset)
    case .symbol("("):
      let inner = try expression()
      try expect(")", "to close '('")
      return inner
    case .symbol("["):
      let items = try listItems()
      return try Syntax(.list(items), token.offset, over: items.map(\.value))
    case .symbol("{"):
      let entries = try mapEntries()
      return try Syntax(.map(entries), token.offset, over: entries.flatMap { [$0.key, $0.value] })
    default: throw error("expected a value, not \(token.text)", at: token.offset)
    }
  }

  private mutating func named(_ name: String, _ offset: Int) throws(CELError) -> Syntax {
    if take("(") {
      let arguments = try arguments()
      return try call(name, offset, target: nil, arguments)
    }
    guard !Self.reserved.contains(name) else {
      throw error("'\(name)' is a reserved word; a payload field of that name is event.payload.\(name)", at: offset)
    }
    return try Syntax(.identifier(name), offset)
  }
}
