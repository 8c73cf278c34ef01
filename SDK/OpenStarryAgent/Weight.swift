extension Fields {
  /// About as many bytes as it takes as JSON: what limits on payloads are held against.
  public var weight: Int { reduce(2) { $0 + $1.key.utf8.count + 4 + $1.value.weight } }
}

extension Value {
  /// About as many bytes as it takes as JSON.
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
