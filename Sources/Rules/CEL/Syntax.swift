/// An expression as it was written, with macros already recognised.
struct Syntax: Sendable {
  indirect enum Kind: Sendable {
    case literal(CELValue)
    case identifier(String)
    /// `.name`: never the variable of a macro.
    case outermost(String)
    case select(Syntax, String)
    case has(Syntax, String)
    case index(Syntax, Syntax)
    case call(String, target: Syntax?, arguments: [Syntax])
    case list([Syntax])
    case map([Entry])
    case not(Syntax)
    case negate(Syntax)
    case arithmetic(Arithmetic, Syntax, Syntax)
    case equal(Syntax, Syntax, negated: Bool)
    case order(Order, Syntax, Syntax)
    case member(Syntax, of: Syntax)
    case and([Syntax])
    case or([Syntax])
    case conditional(Syntax, Syntax, Syntax)
    case comprehension(Macro, variable: String, range: Syntax, condition: Syntax?, result: Syntax?)
  }

  /// One entry of a map that is written out.
  struct Entry: Sendable {
    let key: Syntax
    let value: Syntax
  }

  let kind: Kind
  /// The place of the operator or of the first word.
  let offset: Int
  /// How deep it is nested, counted from 1; bounded, since everything that walks it recurses.
  let height: Int

  static let greatestHeight = 200

  init(_ kind: Kind, _ offset: Int, over parts: [Syntax] = []) throws(CELError) {
    self.kind = kind
    self.offset = offset
    height = 1 + (parts.lazy.map(\.height).max() ?? 0)
    guard height <= Self.greatestHeight else {
      throw CELError(
        offset: offset, message: "the expression is nested more than \(Self.greatestHeight) levels deep", kind: .syntax)
    }
  }
}

/// The operators that calculate.
enum Arithmetic: String, Sendable {
  case add = "+"
  case subtract = "-"
  case multiply = "*"
  case divide = "/"
  case modulo = "%"
}

/// The operators that compare by order.
enum Order: String, Sendable {
  case less = "<"
  case lessOrEqual = "<="
  case greater = ">"
  case greaterOrEqual = ">="
}

/// The macros that walk a list or the keys of a map (langdef.md, "Macros").
enum Macro: String, Sendable, CaseIterable {
  case all
  case exists
  case existsOne = "exists_one"
  case map
  case filter
}
