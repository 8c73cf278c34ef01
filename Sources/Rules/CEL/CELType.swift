/// The type of a CEL value or, in the checker, of an expression.
///
/// The names are those of the CEL language definition (github.com/google/cel-spec, doc/langdef.md, "Values").
package indirect enum CELType: Sendable, Hashable, CustomStringConvertible {
  /// Known only during evaluation: variables, and expressions that depend on them.
  case dyn
  case null
  case bool
  case int
  case uint
  case double
  case string
  case bytes
  case duration
  case timestamp
  /// The type of a type.
  case type
  /// A list, with its element type.
  case list(CELType)
  /// A map, with its key and value types.
  case map(CELType, CELType)
  /// An optional value, with the type of the value that it may hold.
  case optional(CELType)

  /// The name in CEL; type parameters are omitted when they are all `dyn`.
  package var description: String {
    switch self {
    case .dyn: "dyn"
    case .null: "null_type"
    case .bool: "bool"
    case .int: "int"
    case .uint: "uint"
    case .double: "double"
    case .string: "string"
    case .bytes: "bytes"
    case .duration: "google.protobuf.Duration"
    case .timestamp: "google.protobuf.Timestamp"
    case .type: "type"
    case .list(.dyn): "list"
    case .list(let element): "list(\(element))"
    case .map(.dyn, .dyn): "map"
    case .map(let key, let value): "map(\(key), \(value))"
    case .optional(.dyn): "optional_type"
    case .optional(let wrapped): "optional_type(\(wrapped))"
    }
  }

  /// The types that an expression can name, as in `type(x) == int`.
  static let named: [String: CELType] = [
    "bool": .bool, "int": .int, "uint": .uint, "double": .double, "string": .string, "bytes": .bytes,
    "list": .list(.dyn), "map": .map(.dyn, .dyn), "null_type": .null, "type": .type,
    "optional_type": .optional(.dyn),
    "google.protobuf.Duration": .duration, "google.protobuf.Timestamp": .timestamp,
  ]

  /// The type that an expression names so; `map` is one with texts as keys. Unknown names are `dyn`.
  package init(named name: String) { self = name == "map" ? .map(.string, .dyn) : Self.named[name] ?? .dyn }

  /// Whether it is int, uint or double.
  package var isNumber: Bool { self == .int || self == .uint || self == .double }

  /// Whether a value of this type can be passed as `parameter`, or may turn out so during evaluation.
  package func fits(_ parameter: CELType) -> Bool {
    switch (self, parameter) {
    case (.dyn, _), (_, .dyn): true
    case (.list(let left), .list(let right)): left.fits(right)
    case (.map(let key, let value), .map(let otherKey, let otherValue)): key.fits(otherKey) && value.fits(otherValue)
    case (.optional(let left), .optional(let right)): left.fits(right)
    default: self == parameter
    }
  }

  /// Whether a value of this type can equal one of type `other`. Numbers of different types can be equal.
  func canEqual(_ other: CELType) -> Bool {
    if isNumber && other.isNumber { return true }
    return switch (self, other) {
    case (.list(let left), .list(let right)): left.canEqual(right)
    case (.map(let key, let value), .map(let otherKey, let otherValue)):
      key.canEqual(otherKey) && value.canEqual(otherValue)
    case (.optional(let left), .optional(let right)): left.canEqual(right)
    default: fits(other)
    }
  }

  /// The common type: `self` when both are equal, an optional of the common type for two optionals, otherwise `dyn`.
  func joined(_ other: CELType) -> CELType {
    if case .optional(let left) = self, case .optional(let right) = other { return .optional(left.joined(right)) }
    return self == other ? self : .dyn
  }

  /// The element type of a list; `dyn` for other types.
  var elementType: CELType { if case .list(let element) = self { element } else { .dyn } }

  /// The value type of a map; `dyn` for other types.
  var valueType: CELType { if case .map(_, let value) = self { value } else { .dyn } }

  /// The type of the value in an optional; `dyn` for other types.
  var wrappedType: CELType { if case .optional(let wrapped) = self { wrapped } else { .dyn } }

  /// The type without one level of optional: fields and indices of an optional are those of its value.
  var unwrapped: CELType { if case .optional(let wrapped) = self { wrapped } else { self } }
}
