extension Fields {
  /// The approximate size as JSON, in bytes. Payload limits use it.
  public var weight: Int { reduce(2) { $0 + $1.key.utf8.count + 4 + $1.value.weight } }
}

extension Value {
  /// The approximate size as JSON, in bytes.
  public var weight: Int {
    switch self {
    case .null, .bool: 5
    case .int, .double: 12
    case .string(let text): text.utf8.count + 2
    case .bytes(let bytes): bytes.count * 4 / 3 + 2
    case .list(let values): values.reduce(2) { $0 + $1.weight + 1 }
    case .map(let fields): fields.weight
    }
  }
}
