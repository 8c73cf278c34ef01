/// A JSON-like value, for event payloads, durable state, reports, and parameters and results of the control protocol.
///
/// Integers are kept apart from floating point, so that counters stay exact.
public enum Value: Sendable, Hashable {
  case null
  case bool(Bool)
  case int(Int64)
  case double(Double)
  case string(String)
  case bytes([UInt8])
  case list([Value])
  case map(Fields)
}

extension Value {
  /// The boolean; nil for any other kind.
  public var bool: Bool? { if case .bool(let value) = self { value } else { nil } }

  /// The integer, or a floating-point number that is an integer; nil otherwise.
  public var int: Int64? {
    switch self {
    case .int(let value): value
    case .double(let value): Int64(exactly: value)
    default: nil
    }
  }

  /// The number as floating point; nil if it is not a number.
  public var double: Double? {
    switch self {
    case .double(let value): value
    case .int(let value): Double(value)
    default: nil
    }
  }

  /// The text; nil for any other kind.
  public var string: String? { if case .string(let value) = self { value } else { nil } }

  /// The elements; nil if it is not a list.
  public var list: [Value]? { if case .list(let value) = self { value } else { nil } }

  /// The fields; nil if it is not a map.
  public var map: Fields? { if case .map(let value) = self { value } else { nil } }

  /// The field `key` of a map; nil if it is missing, or this is not a map.
  public subscript(key: String) -> Value? { map?[key] }
}

extension Value: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByFloatLiteral, ExpressibleByStringLiteral, ExpressibleByArrayLiteral,
  ExpressibleByDictionaryLiteral
{
  public init(nilLiteral: ()) { self = .null }
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  public init(integerLiteral value: Int64) { self = .int(value) }
  public init(floatLiteral value: Double) { self = .double(value) }
  public init(stringLiteral value: String) { self = .string(value) }
  public init(arrayLiteral elements: Value...) { self = .list(elements) }
  public init(dictionaryLiteral elements: (String, Value)...) { self = .map(Fields(elements)) }
}
