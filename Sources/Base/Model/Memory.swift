// What values hold in memory, as the standard library lays them out on 64-bit machines: limits on what is kept are held against
// it, since a text of 4 bytes such as `[0]` holds 90.

/// What malloc(3) takes for so many bytes: a header of 8, rounded up to 16, at least 32 (glibc's malloc.c, "chunk").
private func allocation(_ bytes: Int) -> Int { max(32, (bytes + 8 + 15) & ~15) }

/// The header of an array's or a text's storage, in bytes.
private let header = 32

extension String {
  /// Bytes that it holds, those in its place included. Up to 15 bytes of text need no storage of their own.
  public var memory: Int {
    MemoryLayout<String>.stride + (utf8.count <= 15 ? 0 : allocation(header + utf8.count + 1))
  }
}

extension Value {
  /// Bytes that it holds, those in its place included.
  public var memory: Int { MemoryLayout<Value>.stride + storage }

  private var storage: Int {
    switch self {
    case .null, .bool, .int, .double: 0
    case .string(let text): text.memory - MemoryLayout<String>.stride
    case .bytes(let bytes): bytes.isEmpty ? 0 : allocation(header + bytes.capacity)
    case .list(let values):
      values.capacity == 0
        ? 0
        : values.reduce(allocation(header + values.capacity * MemoryLayout<Value>.stride)) { $0 + $1.storage }
    case .map(let fields): fields.memory - MemoryLayout<Fields>.stride
    }
  }
}

extension Fields {
  /// Bytes that they hold, those in their place included.
  public var memory: Int {
    guard !isEmpty else { return MemoryLayout<Fields>.stride }
    let entry = MemoryLayout<(key: String, value: Value)>.stride
    return reduce(MemoryLayout<Fields>.stride + allocation(header + count * entry)) {
      $0 + $1.key.memory + $1.value.memory - MemoryLayout<String>.stride - MemoryLayout<Value>.stride
    }
  }
}

extension Event {
  /// Bytes that it holds, those in its place included.
  public var memory: Int {
    MemoryLayout<Event>.stride + type.memory + source.memory + payload.memory - 2 * MemoryLayout<String>.stride
      - MemoryLayout<Fields>.stride
  }
}
