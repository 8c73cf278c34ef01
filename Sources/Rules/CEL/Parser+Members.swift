/// Fields, calls and indices, and what is between brackets.
extension Parser {
  mutating func member() throws(CELError) -> Syntax { try members(of: try primary()) }

  mutating func members(of start: Syntax) throws(CELError) -> Syntax {
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
          let nameOffset = previous.offset
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
