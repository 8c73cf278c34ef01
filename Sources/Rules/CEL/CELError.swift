import Model

/// An error in an expression, found at load or during evaluation.
package struct CELError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The position in the expression, in UTF-8 bytes from its beginning.
  package var offset: Int
  /// One sentence without a full stop.
  package var message: String
  /// The kind of error.
  package var kind: Kind

  /// The kinds of error.
  package enum Kind: String, Sendable, Hashable {
    /// The text is not an expression; found at load.
    case syntax
    /// An unknown name, a wrong number of arguments, or types that never fit; found at load.
    case type
    /// A variable or key does not exist; found during evaluation.
    case missing
    /// Any other error that depends on a value: overflow, division by zero, a failed conversion.
    case evaluation
    /// The evaluation exceeded its step limit. `&&`, `||` and the macros never absorb this error.
    case limit
  }

  /// - Parameters:
  ///   - offset: leave it at 0 in host functions: the evaluator sets the position of the call.
  ///   - message: is made printable and truncated.
  ///   - kind: the kind of error.
  package init(offset: Int = 0, message: String, kind: Kind = .evaluation) {
    self.offset = offset
    self.message = message.asMessage
    self.kind = kind
  }

  /// The message alone.
  package var description: String { message }

  static func missing(_ message: String, _ offset: Int) -> CELError {
    CELError(offset: offset, message: message, kind: .missing)
  }

  static func noOverload(_ operation: String, _ values: [CELValue], _ offset: Int) -> CELError {
    let kinds = values.map { "\($0.type)" }.joined(separator: ", ")
    return CELError(offset: offset, message: "no such overload: \(operation) for (\(kinds))")
  }
}
