import Model

/// A map in CEL. Keys are booleans, integers (signed or not, equal by value) and texts.
public struct CELMap: Sendable {
  /// What a key is looked up by: integers of both kinds fall together.
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

  /// The payload of an event and the like; values are converted when they are looked at.
  public init(_ fields: Fields) { storage = .fields(fields) }

  /// A map of named values.
  /// - Parameter named: names must be unique.
  public init(named: [(String, CELValue)]) {
    var index: [Key: Int] = [:]
    if named.count > Self.scanLimit {
      for (position, entry) in named.enumerated() { index[.string(Name(entry.0))] = position }
    }
    storage = .entries(named.map { (key: .string($0.0), value: $0.1) }, index: index)
  }

  /// A map of any keys; nil when one of them occurs twice or is of a kind that cannot be a key.
  init?(_ entries: [(key: CELValue, value: CELValue)]) {
    var index: [Key: Int] = [:]
    for (position, entry) in entries.enumerated() {
      guard entry.key.isKey, let key = Self.key(entry.key), index.updateValue(position, forKey: key) == nil else {
        return nil
      }
    }
    storage = .entries(entries, index: index)
  }

  /// Up to this many named entries a scan beats hashing.
  private static let scanLimit = 12

  /// How many entries there are.
  public var count: Int {
    switch storage {
    case .entries(let entries, _): entries.count
    case .fields(let fields): fields.count
    }
  }

  /// The keys, in the order they were written.
  public var keys: [CELValue] {
    switch storage {
    case .entries(let entries, _): entries.map(\.key)
    case .fields(let fields): fields.map { .string($0.key) }
    }
  }

  /// The value at `key`; nil when there is none. A whole double finds the integer it equals.
  public subscript(key: CELValue) -> CELValue? {
    if case .string(let name) = key { return self[name] }
    guard case .entries(let entries, let index) = storage, let key = Self.key(key) else { return nil }
    return index[key].map { entries[$0].value }
  }

  /// The value at the text `name`; nil when there is none.
  public subscript(name: String) -> CELValue? {
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

  /// The fields it was made of when it was made of fields.
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
  /// Whether it may be the key of a map that is written out.
  var isKey: Bool {
    switch self {
    case .bool, .int, .uint, .string: true
    default: false
    }
  }
}
