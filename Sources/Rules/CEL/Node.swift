/// A checked expression with resolved names and folded constants. The integers are offsets, for error messages.
indirect enum Node: Sendable {
  case constant(CELValue)
  case variable(String, Int)
  /// A name that means a variable when the scope has it, otherwise a type.
  case typeName(String, CELType)
  /// A macro variable, by its index in `Frame.locals`.
  case local(Int)
  /// The variable of `cel.bind`, by its index in `Frame.locals`; fails if its value did.
  case bound(Int)
  case select(Node, String, Int)
  case has(Node, String, Int)
  case index(Node, Node, Int)
  case optionalSelect(Node, String, Int)
  case optionalIndex(Node, Node, Int)
  case list([Node])
  /// A list literal with optional elements.
  case sparseList([Item], Int)
  case map([Entry], Int)
  case not(Node, Int)
  case negate(Node, Int)
  case arithmetic(Arithmetic, Node, Node, Int)
  case equal(Node, Node, negated: Bool, Int)
  case order(Order, Node, Node, Int)
  case member(Node, of: Node, Int)
  case and([Node], Int)
  case or([Node], Int)
  case conditional(Node, Node, Node, Int)
  case call(Function, [Node], Int)
  case host(String, [Node], Int)
  /// A host function whose arguments are constants, as most are.
  case hostOfConstants(String, [CELValue], Int)
  /// A comparison whose result changes as time passes.
  case timed(TimedComparison, Int)
  /// `matches` with a constant pattern, compiled at load.
  case matches(Node, Regex, Int)
  case comprehension(Comprehension, Int)
  case optionalMap(OptionalMap, Int)
  case bind(Binding)

  /// One element of a list literal.
  struct Item: Sendable {
    let value: Node
    let isOptional: Bool
  }

  /// One entry of a map literal.
  struct Entry: Sendable {
    let key: Node
    let value: Node
    let isOptional: Bool
  }

  /// `optMap` or `optFlatMap`.
  struct OptionalMap: Sendable {
    let macro: OptionalMacro
    let operand: Node
    /// The index of the macro variable in `Frame.locals`.
    let local: Int
    let result: Node
  }

  /// `cel.bind`
  struct Binding: Sendable {
    /// The index of the variable in `Frame.locals`.
    let local: Int
    let value: Node
    let body: Node
  }

  /// A macro that iterates over a list or a map.
  struct Comprehension: Sendable {
    let macro: Macro
    let range: Node
    /// The index of the first macro variable in `Frame.locals`.
    let local: Int
    /// The index of the second one; nil when there is only one.
    let second: Int?
    /// nil means true for every element.
    let condition: Node?
    /// What the macro collects, or the key of `sortBy`; nil for a macro with a condition only.
    let result: Node?
  }
}
