import Model

/// Validates values with the keywords of JSON Schema (draft 2020-12) that our schemas use. Any other keyword is a complaint,
/// so that none is passed over.
package enum SchemaValidator {
  private static let annotations = ["$schema", "title", "description"]

  /// What a schema does not allow in a value: empty when it is valid.
  package static func complaints(_ value: Value, _ schema: Value, at path: String = "") throws -> [String] {
    switch schema {
    case .bool(let isAny): return isAny ? [] : ["\(path): nothing is allowed here"]
    case .map(let keywords):
      var found: [String] = []
      for (name, keyword) in keywords where !annotations.contains(name) {
        found += try complaints(value, name, keyword, keywords, path)
      }
      return found
    default: return ["\(path): the schema is \(schema.kindName)"]
    }
  }

  private static func isValid(_ value: Value, _ schema: Value) throws -> Bool { try complaints(value, schema).isEmpty }

  private static func complaints(
    _ value: Value, _ name: String, _ keyword: Value, _ keywords: Fields, _ path: String
  ) throws -> [String] {
    func unless(_ isRight: Bool, _ why: @autoclosure () -> String = "") -> [String] {
      isRight ? [] : ["\(path): \(value.kindName) breaks '\(name)'\(why())"]
    }
    switch name {
    case "type":
      let types = keyword.list ?? [keyword]
      return unless(types.contains { $0.string.map { isOf($0, value) } ?? false })
    case "enum": return unless((keyword.list ?? []).contains { isSame($0, value) })
    case "const": return unless(isSame(keyword, value))
    case "not": return unless(try !isValid(value, keyword))
    case "anyOf":
      return unless(try (keyword.list ?? []).contains { try isValid(value, $0) })
    case "oneOf":
      let count = try (keyword.list ?? []).count { try isValid(value, $0) }
      return unless(count == 1, ": \(count) fit")
    case "allOf": return try (keyword.list ?? []).flatMap { try complaints(value, $0, at: path) }
    case "if":
      let branch = try isValid(value, keyword) ? keywords["then"] : keywords["else"]
      return try branch.map { try complaints(value, $0, at: path) } ?? []
    case "then", "else": return []
    case "pattern":
      guard let text = value.string, let pattern = keyword.string else { return [] }
      return unless(try Regex(pattern).firstMatch(in: text) != nil, " (\(text))")
    case "minLength": return unless(value.string.map { $0.unicodeScalars.count >= keyword.int ?? 0 } ?? true)
    case "maxLength": return unless(value.string.map { $0.unicodeScalars.count <= keyword.int ?? 0 } ?? true)
    case "minimum": return unless(number(value).map { $0 >= keyword.double ?? 0 } ?? true)
    case "maximum": return unless(number(value).map { $0 <= keyword.double ?? 0 } ?? true)
    case "exclusiveMinimum": return unless(number(value).map { $0 > keyword.double ?? 0 } ?? true)
    case "minItems": return unless(value.list.map { $0.count >= keyword.int ?? 0 } ?? true)
    case "maxItems": return unless(value.list.map { $0.count <= keyword.int ?? 0 } ?? true)
    case "items":
      return try (value.list ?? []).enumerated().flatMap { try complaints($1, keyword, at: "\(path)[\($0)]") }
    case "minProperties": return unless(value.map.map { $0.count >= keyword.int ?? 0 } ?? true)
    case "required":
      guard let map = value.map else { return [] }
      return (keyword.list ?? []).compactMap(\.string).flatMap { unless(map[$0] != nil, " (\($0))") }
    case "dependentRequired":
      guard let map = value.map else { return [] }
      return (keyword.map ?? [:]).filter { map[$0.key] != nil }.flatMap { entry in
        (entry.value.list ?? []).compactMap(\.string).flatMap {
          unless(map[$0] != nil, " (\(entry.key) without \($0))")
        }
      }
    case "properties":
      return try (value.map ?? [:]).flatMap { entry in
        try (keyword[entry.key]).map { try complaints(entry.value, $0, at: "\(path).\(entry.key)") } ?? []
      }
    case "propertyNames":
      return try (value.map ?? [:]).keys.flatMap { try complaints(.string($0), keyword, at: "\(path).\($0)") }
    case "additionalProperties":
      let known = keywords["properties"]?.map?.keys ?? []
      return try (value.map ?? [:]).filter { !known.contains($0.key) }.flatMap {
        try complaints($0.value, keyword, at: "\(path).\($0.key)")
      }
    default: return ["\(path): the keyword '\(name)' is not known here"]
    }
  }

  private static func isOf(_ type: String, _ value: Value) -> Bool {
    switch (type, value) {
    case ("null", .null), ("boolean", .bool), ("string", .string), ("array", .list), ("object", .map): true
    case ("integer", .int), ("number", .int), ("number", .double): true
    case ("integer", .double(let number)): number == number.rounded()
    default: false
    }
  }

  private static func isSame(_ one: Value, _ other: Value) -> Bool {
    if let one = number(one), let other = number(other) { return one == other }
    return one == other
  }

  private static func number(_ value: Value) -> Double? {
    switch value {
    case .int(let number): Double(number)
    case .double(let number): number
    default: nil
    }
  }
}

extension Value {
  fileprivate var kindName: String { text(limit: 60) }
}
