import Model

/// A value of a YAML or JSON text that remembers where it stands.
public struct Node: Sendable {
  /// What it is.
  public var content: Content
  /// Where it begins.
  public var location: Location

  /// Puts a node together.
  public init(_ content: Content, _ location: Location) {
    self.content = content
    self.location = location
  }

  /// What a node can be.
  public enum Content: Sendable {
    case null
    case bool(Bool)
    case int(Int64)
    case double(Double)
    case string(String)
    case list([Node])
    case map([Entry])
  }

  /// One entry of a map; keys are unique within it.
  public struct Entry: Sendable {
    /// The key's text.
    public var key: String
    /// Where the key begins.
    public var keyLocation: Location
    /// What it names.
    public var value: Node

    /// Puts an entry together.
    public init(key: String, keyLocation: Location, value: Node) {
      self.key = key
      self.keyLocation = keyLocation
      self.value = value
    }
  }
}

extension Node {
  /// The same without places.
  public var value: Value {
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

  /// The entry `key` of a map; nil when it is missing or this is no map.
  public subscript(key: String) -> Node? {
    guard case .map(let entries) = content else { return nil }
    return entries.first { $0.key.isSame(as: key) }?.value
  }

  /// `null`, `a boolean`, `an integer`, `a number`, `text`, `a list` or `a map`: for messages.
  public var kindName: String {
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
