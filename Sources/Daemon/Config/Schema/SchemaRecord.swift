import Model

/// Notes what a `FieldReader` asks for: the keys of a map, their forms, and whether it has others.
///
/// It is filled by running the code that reads a file on an empty map, so that the schema of the file is that code's.
final class SchemaRecord {
  private struct Key {
    var schema = Schema.any
    var isRequired = false
    var nested: SchemaRecord?
  }

  private var names: [String] = []
  private var keys: [String: Key] = [:]
  /// Further keywords of the map, such as conditions between keys.
  private var conditions: Fields = [:]
  /// Whether other keys are errors.
  private(set) var isClosed = false

  /// Notes a key. A form that is noted later replaces an earlier one; `.any` replaces none.
  func note(_ name: String, _ schema: Schema, isRequired: Bool = false) {
    var key = key(name)
    if !schema.isAny { key.schema = schema }
    key.isRequired = key.isRequired || isRequired
    keys[name] = key
  }

  /// The record of the map under a key.
  func map(_ name: String, isRequired: Bool) -> SchemaRecord {
    var key = key(name)
    let nested = key.nested ?? SchemaRecord()
    key.nested = nested
    key.isRequired = key.isRequired || isRequired
    keys[name] = key
    return nested
  }

  /// Adds keywords.
  func require(_ more: Fields) { for (name, value) in more { conditions[name] = value } }

  func close() { isClosed = true }

  /// Adds the keys of a record of another such map. Only what both require is required.
  func merge(_ other: SchemaRecord) {
    for name in names where other.keys[name]?.isRequired != true { keys[name]?.isRequired = false }
    for name in other.names {
      guard var key = other.keys[name] else { continue }
      key.isRequired = keys[name]?.isRequired ?? false
      if key.schema.isAny, let schema = keys[name]?.schema { key.schema = schema }
      if keys[name] == nil { names.append(name) }
      keys[name] = key
    }
    require(other.conditions)
    isClosed = isClosed && other.isClosed
  }

  private func key(_ name: String) -> Key {
    if let key = keys[name] { return key }
    names.append(name)
    return Key()
  }

  /// The keys in the order in which they are read.
  var properties: [(name: String, schema: Schema)] {
    names.map { name in
      let key = keys[name] ?? Key()
      let schema = key.nested?.schema ?? key.schema
      return (name, key.isRequired ? schema : schema.orNull)
    }
  }

  /// The keys without which the map is invalid.
  var required: [String] { names.filter { keys[$0]?.isRequired == true } }

  /// The schema of the map.
  var schema: Schema {
    var keywords: Fields = ["type": "object"]
    keywords["properties"] = .map(Fields(properties.map { ($0.name, $0.schema.value) }))
    if !required.isEmpty { keywords["required"] = .list(required.map { .string($0) }) }
    if isClosed { keywords["additionalProperties"] = false }
    for (name, value) in conditions { keywords[name] = value }
    return Schema(keywords)
  }
}

extension Schema {
  /// The schema of a map, as the code that reads it asks for its keys.
  static func map(_ read: (FieldReader) -> Void) -> Schema {
    let record = SchemaRecord()
    read(FieldReader(recording: record))
    return record.schema
  }
}
