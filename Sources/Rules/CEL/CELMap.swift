import Model

/// A map in CEL. Keys are booleans, strings and integers; signed and unsigned integers are equal by value.
package struct CELMap: Sendable {
  /// The normalised form of a key: equal integers of both kinds have the same one.
  private enum Key: Hashable, Sendable {
    case bool(Bool)
    case int(Int64)
    case large(UInt64)
    case string(Name)
  }

  private enum Storage: Sendable {
    case entries([(key: CELValue, value: CELValue)], index: [Key: Int])
    case fields(Fields)
  }

  private let storage: Storage

  /// A map of the daemon's own values, such as an event's payload; converted on access.
  package init(_ fields: Fields) { storage = .fields(fields) }

  /// A map with string keys.
  /// - Parameter named: the names must be unique.
  package init(named: [(String, CELValue)]) {
    var index: [Key: Int] = [:]
    if named.count > Self.scanLimit {
      for (position, entry) in named.enumerated() { index[.string(Name(entry.0))] = position }
    }
    storage = .entries(named.map { (key: .string($0.0), value: $0.1) }, index: index)
  }

  /// A map with keys of any kind; nil when a key is duplicate or has a type that keys cannot have.
  init?(_ entries: [(key: CELValue, value: CELValue)]) {
    var index: [Key: Int] = [:]
    for (position, entry) in entries.enumerated() {
      guard entry.key.isKey, let key = Self.key(entry.key), index.updateValue(position, forKey: key) == nil else {
        return nil
      }
    }
    storage = .entries(entries, index: index)
  }

  /// Up to this many entries a linear scan is faster than hashing.
  private static let scanLimit = 12

  /// The number of entries.
  package var count: Int {
    switch storage {
    case .entries(let entries, _): entries.count
    case .fields(let fields): fields.count
    }
  }

  /// The keys, in insertion order.
  package var keys: [CELValue] {
    switch storage {
    case .entries(let entries, _): entries.map(\.key)
    case .fields(let fields): fields.map { .string($0.key) }
    }
  }

  /// The value at `key`; nil when there is none. A double that is a whole number finds the equal integer key.
  package subscript(key: CELValue) -> CELValue? {
    if case .string(let name) = key { return self[name] }
    guard case .entries(let entries, let index) = storage, let key = Self.key(key) else { return nil }
    return index[key].map { entries[$0].value }
  }

  /// The value at the string key `name`; nil when there is none.
  package subscript(name: String) -> CELValue? {
    switch storage {
    case .fields(let fields): return fields[name].map { CELValue($0) }
    case .entries(let entries, let index):
      if !index.isEmpty { return index[.string(Name(name))].map { entries[$0].value } }
      for entry in entries {
        if case .string(let key) = entry.key, key.isSame(as: name) { return entry.value }
      }
      return nil
    }
  }

  /// The daemon's own values; nil for a map of CEL values.
  var plain: Fields? { if case .fields(let fields) = storage { fields } else { nil } }

  private static func key(_ value: CELValue) -> Key? {
    switch value {
    case .bool(let value): .bool(value)
    case .int(let value): .int(value)
    case .uint(let value): Int64(exactly: value).map(Key.int) ?? .large(value)
    case .double(let value):
      Int64(exactly: value).map(Key.int) ?? UInt64(exactly: value).map(Key.large)
    case .string(let value): .string(Name(value))
    default: nil
    }
  }
}

extension CELValue {
  /// Whether the value may be a key in a map literal.
  var isKey: Bool {
    switch self {
    case .bool, .int, .uint, .string: true
    default: false
    }
  }
}
