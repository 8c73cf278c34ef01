import Model

/// What is wrong with an expression, or went wrong while it was evaluated.
public struct CELError: Error, Sendable, Hashable, CustomStringConvertible {
  /// Where in the expression: bytes of UTF-8 from its beginning.
  public var offset: Int
  /// What is wrong, one sentence without a full stop.
  public var message: String
  /// What sort of failure it is.
  public var kind: Kind

  /// The sorts of failure.
  public enum Kind: String, Sendable, Hashable {
    /// The text is no expression; found at load.
    case syntax
    /// Unknown names, wrong arity, types that cannot work; found at load.
    case type
    /// A variable or key that is not there; found at evaluation.
    case missing
    /// Anything else that a value made impossible: overflow, division by zero, a bad conversion.
    case evaluation
    /// More steps than one evaluation may take. `&&`, `||` and the macros never absorb it.
    case limit
  }

  /// Puts an error together, its message printable, and cut; host functions leave the offset at 0 and get the place of the call.
  public init(offset: Int = 0, message: String, kind: Kind = .evaluation) {
    self.offset = offset
    self.message = message.asMessage
    self.kind = kind
  }

  /// The message alone.
  public var description: String { message }

  static func missing(_ message: String, _ offset: Int) -> CELError {
    CELError(offset: offset, message: message, kind: .missing)
  }

  static func noOverload(_ operation: String, _ values: [CELValue], _ offset: Int) -> CELError {
    let kinds = values.map { "\($0.type)" }.joined(separator: ", ")
    return CELError(offset: offset, message: "no such overload: \(operation) for (\(kinds))")
  }
}
