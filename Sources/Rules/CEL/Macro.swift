/// The macros that iterate over a list or the keys of a map (langdef.md, "Macros"; `sortBy` of the lists extension).
enum Macro: String, Sendable, CaseIterable {
  case all
  case exists
  case existsOne = "exists_one"
  case map
  case filter
  case sortBy

  /// Whether the last argument is evaluated for its value, not as a condition.
  var hasResult: Bool { self == .map || self == .sortBy }

  /// The arguments, for error messages.
  var arguments: String {
    switch self {
    case .map: "a name and an expression, or a condition and one, such as list.map(x, x * 2)"
    case .sortBy: "a name and an expression, such as list.sortBy(x, x.priority)"
    default: "a name and a condition, such as list.\(rawValue)(x, x > 0)"
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
