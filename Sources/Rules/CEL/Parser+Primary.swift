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

  /// A function call or, when `name` is that of a macro, the macro's node.
  func call(_ name: String, _ offset: Int, target: Syntax?, _ arguments: [Syntax]) throws(CELError) -> Syntax {
    guard let target else {
      if name == "has" { return try presence(offset, arguments) }
      return try Syntax(.call(name, target: nil, arguments: arguments), offset, over: arguments)
    }
    if let macro = Macro(rawValue: name == "existsOne" ? "exists_one" : name) {
      return try comprehension(macro, offset, range: target, arguments)
    }
    if let macro = OptionalMacro(rawValue: name) { return try optionalMap(macro, offset, target, arguments) }
    return try Syntax(.call(name, target: target, arguments: arguments), offset, over: [target] + arguments)
  }

  private func presence(_ offset: Int, _ arguments: [Syntax]) throws(CELError) -> Syntax {
    guard arguments.count == 1, case .select(let operand, let field) = arguments[0].kind else {
      throw error("has() takes one field, such as has(event.payload.value)", at: offset)
    }
    return try Syntax(.has(operand, field), offset, over: arguments)
  }

  private func comprehension(
    _ macro: Macro, _ offset: Int, range: Syntax, _ arguments: [Syntax]
  ) throws(CELError) -> Syntax {
    guard arguments.count == 2 || (macro == .map && arguments.count == 3) else {
      throw error("\(macro.rawValue)() takes \(macro.arguments)", at: offset)
    }
    guard case .identifier(let variable) = arguments[0].kind else {
      throw error("the first argument of \(macro.rawValue)() must be a plain name", at: arguments[0].offset)
    }
    let condition = macro.hasResult ? (arguments.count == 3 ? arguments[1] : nil) : arguments[1]
    return try Syntax(
      .comprehension(
        macro, variable: variable, range: range, condition: condition, result: macro.hasResult ? arguments.last : nil),
      offset, over: [range] + arguments)
  }

  private func optionalMap(
    _ macro: OptionalMacro, _ offset: Int, _ operand: Syntax, _ arguments: [Syntax]
  ) throws(CELError) -> Syntax {
    guard arguments.count == 2 else {
      throw error(
        "\(macro.rawValue)() takes a name and an expression, such as a.?b.\(macro.rawValue)(x, "
          + (macro == .optMap ? "x * 2)" : "x.?c)"), at: offset)
    }
    guard case .identifier(let variable) = arguments[0].kind else {
      throw error("the first argument of \(macro.rawValue)() must be a plain name", at: arguments[0].offset)
    }
    return try Syntax(
      .optionalMap(macro, variable: variable, operand: operand, result: arguments[1]), offset,
      over: [operand] + arguments)
  }
}
