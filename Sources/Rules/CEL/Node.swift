/// A checked expression, ready to be evaluated: names are resolved, constants folded. Numbers are offsets.
indirect enum Node: Sendable {
  case constant(CELValue)
  case variable(String, Int)
  /// A name that is a variable when the scope has one, and a type otherwise.
  case typeName(String, CELType)
  /// A variable of a macro, by its depth.
  case local(Int)
  case select(Node, String, Int)
  case has(Node, String, Int)
  case index(Node, Node, Int)
  case list([Node])
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
  /// `matches` with a pattern that was known at load.
  case matches(Node, Regex, Int)
  case comprehension(Comprehension, Int)

  /// One entry of a map that is written out.
  struct Entry: Sendable {
    let key: Node
    let value: Node
  }

  /// A macro that walks a list or the keys of a map.
  struct Comprehension: Sendable {
    let macro: Macro
    let range: Node
    /// Where the element is put.
    let local: Int
    /// nil is always true.
    let condition: Node?
    /// Only for `map`.
    let result: Node?
  }
}
