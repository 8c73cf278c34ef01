/// The syntax tree of an expression. Macros are nodes of their own, not calls.
struct Syntax: Sendable {
  indirect enum Kind: Sendable {
    case literal(CELValue)
    case identifier(String)
    /// `.name`: a name in the root scope, never a macro variable.
    case outermost(String)
    case select(Syntax, String)
    /// `a.?b`
    case optionalSelect(Syntax, String)
    case has(Syntax, String)
    case index(Syntax, Syntax)
    /// `a[?b]`
    case optionalIndex(Syntax, Syntax)
    case call(String, target: Syntax?, arguments: [Syntax])
    case list([Item])
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
    case comprehension(Macro, variables: [String], range: Syntax, condition: Syntax?, result: Syntax?)
    /// `cel.bind(x, value, body)`
    case bind(variable: String, value: Syntax, body: Syntax)
    case optionalMap(OptionalMacro, variable: String, operand: Syntax, result: Syntax)
  }

  /// One element of a list literal.
  struct Item: Sendable {
    let value: Syntax
    /// Written `?e`: an optional, whose value becomes an element if there is one.
    let isOptional: Bool
  }

  /// One entry of a map literal.
  struct Entry: Sendable {
    let key: Syntax
    let value: Syntax
    /// Written `?k: v`: the value is an optional, and there is an entry if it has a value.
    let isOptional: Bool
  }

  let kind: Kind
  /// The offset of the operator, or else of the first token.
  let offset: Int
  /// The height of the tree, from 1; bounded, because compiler and evaluator recurse.
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

/// The arithmetic operators.
enum Arithmetic: String, Sendable {
  case add = "+"
  case subtract = "-"
  case multiply = "*"
  case divide = "/"
  case modulo = "%"
}

/// The ordering operators.
enum Order: String, Sendable {
  case less = "<"
  case lessOrEqual = "<="
  case greater = ">"
  case greaterOrEqual = ">="
}
