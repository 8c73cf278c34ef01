import Model

/// A value in a CEL expression.
package enum CELValue: Sendable {
  case null
  case bool(Bool)
  case int(Int64)
  case uint(UInt64)
  case double(Double)
  case string(String)
  case bytes([UInt8])
  case list(CELList)
  case map(CELMap)
  case duration(Duration)
  case timestamp(CELTimestamp)
  case type(CELType)
  /// An optional value; nil is `optional.none()`.
  indirect case optional(CELValue?)
}

extension CELValue {
  /// The type of the value. Lists, maps and optionals have `dyn` as their type parameters.
  package var type: CELType {
    switch self {
    case .null: .null
    case .bool: .bool
    case .int: .int
    case .uint: .uint
    case .double: .double
    case .string: .string
    case .bytes: .bytes
    case .list: .list(.dyn)
    case .map: .map(.dyn, .dyn)
    case .duration: .duration
    case .timestamp: .timestamp
    case .type: .type
    case .optional: .optional(.dyn)
    }
  }

  /// A list of CEL values.
  package static func list(_ values: [CELValue]) -> CELValue { .list(CELList(values)) }
}

extension CELValue: Equatable {
  /// CEL's `==`: numbers of any type compare by value, NaN equals nothing, values of other different types are unequal.
  package static func == (left: CELValue, right: CELValue) -> Bool {
    var steps = Int.max
    return equal(left, right, &steps)
  }
}

extension CELValue: CustomStringConvertible {
  /// The value in CEL syntax; long strings, lists and maps are truncated.
  package var description: String { text(depth: 0) }

  private func text(depth: Int) -> String {
    switch self {
    case .null: "null"
    case .bool(let value): "\(value)"
    case .int(let value): "\(value)"
    case .uint(let value): "\(value)u"
    case .double(let value): "\(value)"
    case .string(let value): "'\(value.prefix(60))\(value.utf8.count > 240 ? "…" : "")'"
    case .bytes(let value): "bytes of length \(value.count)"
    case .list(let list):
      depth > 3
        ? "[…]"
        : "["
          + (list.prefix(8).map { $0.text(depth: depth + 1) } + (list.count > 8 ? ["…"] : []))
          .joined(separator: ", ") + "]"
    case .map(let map):
      depth > 3
        ? "{…}"
        : "{"
          + (map.keys.prefix(8).map { key in
            "\(key): " + (map[key]?.text(depth: depth + 1) ?? "")
          } + (map.count > 8 ? ["…"] : [])).joined(separator: ", ") + "}"
    case .duration(let value): "duration('\(TimeText.duration(value))')"
    case .timestamp(let value): "timestamp('\(value)')"
    case .type(let type): "\(type)"
    case .optional(nil): "optional.none()"
    case .optional(let value?): depth > 3 ? "optional.of(…)" : "optional.of(\(value.text(depth: depth + 1)))"
    }
  }
}

extension CELValue: ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
  ExpressibleByStringLiteral, ExpressibleByArrayLiteral, ExpressibleByNilLiteral
{
  package init(nilLiteral: ()) { self = .null }
  package init(booleanLiteral value: Bool) { self = .bool(value) }
  package init(integerLiteral value: Int64) { self = .int(value) }
  package init(floatLiteral value: Double) { self = .double(value) }
  package init(stringLiteral value: String) { self = .string(value) }
  package init(arrayLiteral elements: CELValue...) { self = .list(CELList(elements)) }
}

extension CELValue {
  /// Converts one of the daemon's own values. Elements of lists and maps are converted on access.
  package init(_ value: Value) {
    switch value {
    case .null: self = .null
    case .bool(let value): self = .bool(value)
    case .int(let value): self = .int(value)
    case .double(let value): self = .double(value)
    case .string(let value): self = .string(value)
    case .bytes(let value): self = .bytes(value)
    case .list(let values): self = .list(CELList(values))
    case .map(let fields): self = .map(CELMap(fields))
    }
  }

  /// Converts to the daemon's own `Value`.
  ///
  /// Types that `Value` does not have become the nearest one: an unsigned integer above 2⁶³−1 becomes a double; a
  /// duration or timestamp its text (`1.5s`, `2026-01-01T00:00:00Z`); a type its name; a key that is not a string its
  /// text; an optional its value, or null.
  /// - Parameter steps: the maximum number of values in the result. Nested macros can build a small structure of shared
  ///   lists whose expansion is exponentially large.
  /// - Throws: an error of kind `limit` when there are more.
  package func converted(steps: Int = CELProgram.standardSteps) throws(CELError) -> Value {
    var steps = steps
    return try converted(&steps)
  }

  private func converted(_ steps: inout Int) throws(CELError) -> Value {
    steps -= 1
    guard steps >= 0 else { throw CELError(message: "the result is too large", kind: .limit) }
    switch self {
    case .null: return .null
    case .bool(let value): return .bool(value)
    case .int(let value): return .int(value)
    case .uint(let value): return Int64(exactly: value).map(Value.int) ?? .double(Double(value))
    case .double(let value): return .double(value)
    case .string(let value): return .string(value)
    case .bytes(let value): return .bytes(value)
    case .list(let list):
      if let plain = list.plain { return .list(plain) }
      var values: [Value] = []
      for element in list { values.append(try element.converted(&steps)) }
      return .list(values)
    case .map(let map):
      if let plain = map.plain { return .map(plain) }
      var fields = Fields()
      for key in map.keys { fields[key.keyText] = try map[key]?.converted(&steps) }
      return .map(fields)
    case .duration(let value): return .string(TimeText.duration(value))
    case .timestamp(let value): return .string(value.description)
    case .type(let type): return .string(type.description)
    case .optional(nil): return .null
    case .optional(let value?): return try value.converted(&steps)
    }
  }

  private var keyText: String {
    switch self {
    case .string(let name): name
    case .uint(let number): "\(number)"
    default: description
    }
  }
}
