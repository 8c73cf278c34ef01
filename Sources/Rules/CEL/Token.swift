/// A token of an expression.
struct Token: Sendable {
  enum Kind: Sendable, Equatable {
    /// A name, or a keyword other than `true`, `false`, `null` and `in`.
    case identifier(String)
    /// A field name between backticks.
    case quotedName(String)
    /// The magnitude; a minus sign is a separate token.
    case int(UInt64)
    case uint(UInt64)
    case double(Double)
    case string(String)
    case bytes([UInt8])
    /// An operator, a bracket, or one of the keywords `true`, `false`, `null`, `in`.
    case symbol(String)
    case end
  }

  let kind: Kind
  /// UTF-8 bytes from the beginning of the expression.
  let offset: Int

  /// The token as error messages quote it.
  var text: String {
    switch kind {
    case .identifier(let name): "'\(Self.shown(name))'"
    case .quotedName(let name): "'`\(Self.shown(name))`'"
    case .int(let value): "'\(value)'"
    case .uint(let value): "'\(value)u'"
    case .double(let value): "'\(value)'"
    case .string: "a string"
    case .bytes: "bytes"
    case .symbol(let symbol): "'\(symbol)'"
    case .end: "the end of the expression"
    }
  }

  private static func shown(_ name: String) -> String {
    name.unicodeScalars.count > 48 ? String(String.UnicodeScalarView(name.unicodeScalars.prefix(48))) + "…" : name
  }
}
