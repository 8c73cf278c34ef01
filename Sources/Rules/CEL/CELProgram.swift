import Model

/// A parsed and checked expression, ready for evaluation.
///
/// The language is the Common Expression Language (github.com/google/cel-spec). Unsupported features are errors at
/// load, never during evaluation.
package final class CELProgram: Sendable {
  /// The maximum length of an expression, in UTF-8 bytes.
  package static let greatestLength = 8192

  /// The default step limit of one evaluation; an operator on numbers costs one step.
  package static let standardSteps = 100_000

  /// The expression as written.
  package let text: String

  /// The variables that the expression uses, without duplicates, in the order of their first use. Type names are not
  /// included.
  package let variables: [String]

  /// Every call of a host function, in the order of the text.
  package let hostCalls: [HostCall]

  /// A call of a host function.
  package struct HostCall: Sendable, Hashable {
    /// The function's name.
    package var function: String
    /// The first argument, when it is a constant string; otherwise nil. An argument that ranges over a constant list
    /// makes one call for each element.
    package var text: String?
    /// The arguments that are constant strings; nil for others.
    package var arguments: [String?]
    /// The position of the first argument, in UTF-8 bytes from the beginning of the expression.
    package var offset: Int
  }

  /// Every time zone that is a constant, as in `now.getHours('Europe/Berlin')`.
  package let timeZones: [TimeZoneName]

  /// A time zone in an expression.
  package struct TimeZoneName: Sendable, Hashable {
    /// The name, as written.
    package var text: String
    /// The position of the name, in UTF-8 bytes from the beginning of the expression.
    package var offset: Int
  }

  /// Every `variable.field` of the expression, in the order of the text.
  package let selections: [Selection]

  /// A field of a variable.
  package struct Selection: Sendable, Hashable {
    /// The variable's name.
    package var variable: String
    /// The field's name.
    package var field: String
    /// The position of the dot, in UTF-8 bytes from the beginning of the expression.
    package var offset: Int
  }

  /// The result type; `dyn` when it is known only during evaluation.
  package let type: CELType

  private let node: Node
  private let depth: Int

  /// Parses and checks an expression.
  /// - Parameters:
  ///   - text: at most 8 KiB.
  ///   - functions: the functions that it may call.
  ///   - known: the names of all variables; nil allows any name.
  ///   - types: the types of variables (`x`), of their fields (`x.field`) and of fields of calls with one constant
  ///     (`call('x')`, `call('x').field`), as far as they are known.
  ///   - isForeseeable: whether time may be used only where it is known when the result changes.
  /// - Throws: the first error, of kind `syntax` or `type`.
  package init(
    _ text: String, functions: CELFunctions = .standard, variables known: [String]? = nil,
    types: [String: CELType] = [:], isForeseeable: Bool = false
  ) throws(CELError) {
    guard text.utf8.count <= Self.greatestLength else {
      throw CELError(
        message: "the expression is \(text.utf8.count) bytes long; at most \(Self.greatestLength) are allowed",
        kind: .syntax)
    }
    let syntax = try Parser.parse(Array(text.utf8))
    var compiler = Compiler(functions: functions, known: known, types: types)
    let checked = try compiler.compile(syntax)
    if isForeseeable, let place = compiler.unforeseeable(syntax) {
      throw CELError(
        offset: place,
        message: "time can only be compared here, as in now - T > duration('5m'), reading('x').age > duration('5m'), "
          + "now.getHours('local') >= 22 or between('22:00', '06:00')", kind: .type)
    }
    self.text = text
    variables = compiler.variables
    hostCalls = compiler.hostCalls
    timeZones = compiler.timeZones
    selections = compiler.selections
    type = checked.type
    node = checked.node
    depth = compiler.greatestDepth
  }

  /// Evaluates the expression.
  /// - Parameters:
  ///   - scope: the variables and host functions.
  ///   - steps: the step limit; exceeding it is an error of kind `limit`.
  /// - Throws: an error of kind `missing`, `evaluation` or `limit`, or of the kind that a host function throws.
  package func evaluate(
    _ scope: some CELScope, steps: Int = CELProgram.standardSteps
  ) throws(CELError) -> CELValue {
    var frame = Frame(scope: scope, locals: depth == 0 ? [] : Array(repeating: .null, count: depth), steps: steps)
    let value = try node.evaluate(&frame)
    try frame.charge(0, 0)
    return value
  }
}
