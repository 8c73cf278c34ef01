import Model

/// The form of a value in a file, as JSON Schema (json-schema.org, draft 2020-12), for editors.
///
/// Every `Shape` has one beside the code that reads the value, so that a key cannot have the one without the other.
struct Schema {
  /// The keywords.
  var keywords: Fields

  init(_ keywords: Fields) { self.keywords = keywords }

  /// Whether it allows every value.
  var isAny: Bool { keywords.isEmpty }

  /// As JSON: `true` for every value.
  var value: Value { isAny ? true : .map(keywords) }

  /// The same with a sentence for people.
  func described(_ sentence: String) -> Schema {
    guard !isAny else { return self }
    var schema = self
    schema.keywords["description"] = .string(sentence)
    return schema
  }

  /// The same or null, which counts as missing.
  var orNull: Schema {
    guard !isAny else { return self }
    var schema = self
    if let names = keywords["enum"]?.list { schema.keywords["enum"] = .list(names + [.null]) }
    switch keywords["type"] {
    case .string(let name)?: schema.keywords["type"] = [.string(name), "null"]
    case nil:
      if let choices = keywords["anyOf"]?.list {
        schema.keywords["anyOf"] = .list(choices + [["type": "null"]])
      } else if keywords["enum"] == nil {
        return .either(self, Schema(["type": "null"]))
      }
    default: break
    }
    return schema
  }
}

extension Schema {
  /// Every value.
  static var any: Schema { Schema([:]) }

  /// Every value but null.
  static var notNull: Schema { Schema(["not": ["type": "null"]]) }

  static var bool: Schema { Schema(["type": "boolean"]) }

  /// A text.
  /// - Parameters:
  ///   - pattern: a regular expression of ECMA-262 for the whole text; nil for any text.
  ///   - least: the least number of characters.
  ///   - most: the greatest number of characters; nil for any.
  static func text(_ pattern: String? = nil, least: Int = 0, most: Int? = nil) -> Schema {
    var keywords: Fields = ["type": "string"]
    if let pattern { keywords["pattern"] = .string("^(?:\(pattern))$") }
    if least > 0 { keywords["minLength"] = .int(Int64(least)) }
    if let most { keywords["maxLength"] = .int(Int64(most)) }
    return Schema(keywords)
  }

  /// One of these texts.
  static func choice(_ names: [String]) -> Schema {
    Schema(["type": "string", "enum": .list(names.map { .string($0) })])
  }

  /// An integer; a bound at the end of `Int` is none.
  static func integer(_ range: ClosedRange<Int>) -> Schema {
    var keywords: Fields = ["type": "integer"]
    if range.lowerBound > .min { keywords["minimum"] = .int(Int64(range.lowerBound)) }
    if range.upperBound < .max { keywords["maximum"] = .int(Int64(range.upperBound)) }
    return Schema(keywords)
  }

  /// A number with these bounds: `minimum`, `maximum`, `exclusiveMinimum`.
  static func number(_ bounds: Fields = [:]) -> Schema {
    var keywords: Fields = ["type": "number"]
    for (name, bound) in bounds { keywords[name] = bound }
    return Schema(keywords)
  }

  /// A value of one of these forms.
  static func either(_ schemas: Schema...) -> Schema { Schema(["anyOf": .list(schemas.map(\.value))]) }

  /// A list.
  /// - Parameter count: how many entries it may have; nil for any number.
  static func list(of element: Schema, count: ClosedRange<Int>? = nil) -> Schema {
    var keywords: Fields = ["type": "array", "items": element.value]
    if let count {
      keywords["minItems"] = .int(Int64(count.lowerBound))
      keywords["maxItems"] = .int(Int64(count.upperBound))
    }
    return Schema(keywords)
  }

  /// A map whose keys are names of the file's own.
  /// - Parameters:
  ///   - names: the pattern of the keys; nil for any text.
  ///   - least: the least number of entries.
  static func map(of value: Schema, names: String? = nil, least: Int = 0) -> Schema {
    var keywords: Fields = ["type": "object", "additionalProperties": value.value]
    if let names { keywords["propertyNames"] = ["pattern": .string("^(?:\(names))$")] }
    if least > 0 { keywords["minProperties"] = .int(Int64(least)) }
    return Schema(keywords)
  }
}
