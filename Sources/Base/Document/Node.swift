import Model

/// A value of a YAML or JSON text with its location.
package struct Node: Sendable {
  /// The value itself.
  package var content: Content
  /// Where the value begins.
  package var location: Location

  /// A node whose value begins at `location`.
  package init(_ content: Content, _ location: Location) {
    self.content = content
    self.location = location
  }

  /// The kinds of values.
  package enum Content: Sendable {
    case null
    case bool(Bool)
    case int(Int64)
    case double(Double)
    case string(String)
    case list([Node])
    case map([Entry])
  }

  /// One entry of a map; keys are unique within it.
  package struct Entry: Sendable {
    /// The key's text.
    package var key: String
    /// Where the key begins.
    package var keyLocation: Location
    /// The value, with its own location.
    package var value: Node

    /// An entry; the caller keeps keys unique within a map.
    package init(key: String, keyLocation: Location, value: Node) {
      self.key = key
      self.keyLocation = keyLocation
      self.value = value
    }
  }
}

extension Node {
  /// The value without locations.
  package var value: Value {
    switch content {
    case .null: .null
    case .bool(let value): .bool(value)
    case .int(let value): .int(value)
    case .double(let value): .double(value)
    case .string(let value): .string(value)
    case .list(let nodes): .list(nodes.map(\.value))
    case .map(let entries): .map(Fields(uniquePairs: entries.map { ($0.key, $0.value.value) }))
    }
  }

  /// The value of `key` in a map; nil when it is missing or this is not a map.
  package subscript(key: String) -> Node? {
    guard case .map(let entries) = content else { return nil }
    return entries.first { $0.key.isSame(as: key) }?.value
  }

  /// The kind for messages: `null`, `a boolean`, `an integer`, `a number`, `text`, `a list` or `a map`.
  package var kindName: String {
    switch content {
    case .null: "null"
    case .bool: "a boolean"
    case .int: "an integer"
    case .double: "a number"
    case .string: "text"
    case .list: "a list"
    case .map: "a map"
    }
  }
}
