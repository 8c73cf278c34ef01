import Model

/// An expression that was read, checked and made ready: what a rule's `if` holds.
///
/// The language is the Common Expression Language of github.com/google/cel-spec; what is left out is an error here,
/// at load, never at evaluation.
public struct CELProgram: Sendable {
  /// The longest expression there may be, in bytes of UTF-8.
  public static let greatestLength = 8192

  /// How much work one evaluation may do unless it is told otherwise; an operator on numbers is one step.
  public static let standardSteps = 100_000

  /// The expression as written.
  public let text: String

  /// The names it takes from outside, each once, in the order they are first used; types are not among them.
  public let variables: [String]

  /// Every call of a function of the host, in the order they are written.
  public let hostCalls: [HostCall]

  /// A call of a function of the host.
  public struct HostCall: Sendable, Hashable {
    /// The function's name.
    public var function: String
    /// Its only argument, where that is a text that is known before evaluation.
    public var text: String?
    /// Where its first argument begins: bytes of UTF-8 from the beginning of the expression.
    public var offset: Int
  }

  /// What it gives; `dyn` when that is known only at evaluation.
  public let type: CELType

  private let node: Node
  private let depth: Int

  /// Reads and checks an expression.
  /// - Parameters:
  ///   - text: at most 8 KiB.
  ///   - functions: what it may call.
  ///   - known: every variable there is, when that is known; nil allows any name.
  /// - Throws: the first thing that is wrong, of kind `syntax` or `type`.
  public init(
    _ text: String, functions: CELFunctions = .standard, variables known: [String]? = nil
  ) throws(CELError) {
    guard text.utf8.count <= Self.greatestLength else {
      throw CELError(
        message: "the expression is \(text.utf8.count) bytes long; at most \(Self.greatestLength) are allowed",
        kind: .syntax)
    }
    let syntax = try Parser.parse(Array(text.utf8))
    var compiler = Compiler(functions: functions, known: known)
    let checked = try compiler.compile(syntax)
    self.text = text
    variables = compiler.variables
    hostCalls = compiler.hostCalls
    type = checked.type
    node = checked.node
    depth = compiler.greatestDepth
  }

  /// The value of the expression in `scope`.
  /// - Parameters:
  ///   - scope: variables and host functions.
  ///   - steps: how much work it may do before it fails with an error of kind `limit`.
  /// - Throws: of kind `missing`, `evaluation` or `limit`.
  public func evaluate(
    _ scope: some CELScope, steps: Int = CELProgram.standardSteps
  ) throws(CELError) -> CELValue {
    var frame = Frame(scope: scope, locals: depth == 0 ? [] : Array(repeating: .null, count: depth), steps: steps)
    let value = try node.evaluate(&frame)
    try frame.charge(0, 0)
    return value
  }
}
