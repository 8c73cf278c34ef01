/// The macros that iterate over a list or a map (langdef.md, "Macros"; github.com/google/cel-go, ext/README.md, "Lists",
/// "TwoVarComprehensions").
enum Macro: String, Sendable, CaseIterable {
  case all
  case exists
  case existsOne = "exists_one"
  case map
  case filter
  case sortBy
  case transformList
  case transformMap
  case transformMapEntry

  /// The parts of a call: names, then a condition, then an expression for the result.
  struct Form {
    /// One for the elements of a list or the keys of a map; two for index and element, or key and value.
    let variables: Int
    let hasCondition: Bool
    let hasResult: Bool
  }

  /// The form with this number of arguments; nil when there is none.
  func form(arguments: Int) -> Form? {
    switch (self, arguments) {
    case (.all, 2), (.exists, 2), (.existsOne, 2), (.filter, 2):
      Form(variables: 1, hasCondition: true, hasResult: false)
    case (.all, 3), (.exists, 3), (.existsOne, 3): Form(variables: 2, hasCondition: true, hasResult: false)
    case (.map, 2), (.sortBy, 2): Form(variables: 1, hasCondition: false, hasResult: true)
    case (.map, 3): Form(variables: 1, hasCondition: true, hasResult: true)
    case (.transformList, 3), (.transformMap, 3), (.transformMapEntry, 3):
      Form(variables: 2, hasCondition: false, hasResult: true)
    case (.transformList, 4), (.transformMap, 4), (.transformMapEntry, 4):
      Form(variables: 2, hasCondition: true, hasResult: true)
    default: nil
    }
  }

  /// The arguments, for error messages.
  var arguments: String {
    switch self {
    case .map: "a name and an expression, or a condition and one, such as list.map(x, x * 2)"
    case .sortBy: "a name and an expression, such as list.sortBy(x, x.priority)"
    case .filter: "a name and a condition, such as list.filter(x, x > 0)"
    case .all, .exists, .existsOne: "a name or two and a condition, such as list.\(rawValue)(x, x > 0)"
    case .transformList, .transformMap:
      "two names and an expression, or a condition and one, such as map.\(rawValue)(k, v, v * 2)"
    case .transformMapEntry:
      "two names and a map, or a condition and one, such as map.transformMapEntry(k, v, {v: k})"
    }
  }
}

/// The macros on the value of an optional (github.com/google/cel-go, cel/library.go, "OptionalTypes").
enum OptionalMacro: String, Sendable, CaseIterable {
  /// The result is wrapped into an optional.
  case optMap
  /// The result is an optional already.
  case optFlatMap
}
