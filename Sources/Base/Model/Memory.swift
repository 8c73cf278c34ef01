// The memory of values, by the standard library's layout on 64-bit machines. Limits on stored values use it, since the
// few bytes of JSON of a list such as `[0]` take about 90 bytes of memory.

/// The size of malloc(3)'s chunk: plus a header of 8 bytes, rounded up to 16, at least 32 (glibc's malloc.c).
private func allocation(_ bytes: Int) -> Int { max(32, (bytes + 8 + 15) & ~15) }

/// The header of an array's or a string's storage, in bytes.
private let header = 32

extension String {
  /// Bytes of memory, inline and in the heap. Up to 15 bytes of text are stored inline.
  package var memory: Int {
    MemoryLayout<String>.stride + (utf8.count <= 15 ? 0 : allocation(header + utf8.count + 1))
  }
}

extension Value {
  /// Bytes of memory, inline and in the heap.
  package var memory: Int { MemoryLayout<Value>.stride + storage }

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
  /// Bytes of memory, inline and in the heap.
  package var memory: Int {
    guard !isEmpty else { return MemoryLayout<Fields>.stride }
    let entry = MemoryLayout<(key: String, value: Value)>.stride
    return reduce(MemoryLayout<Fields>.stride + allocation(header + count * entry)) {
      $0 + $1.key.memory + $1.value.memory - MemoryLayout<String>.stride - MemoryLayout<Value>.stride
    }
  }
}

extension Event {
  /// Bytes of memory, inline and in the heap.
  package var memory: Int {
    MemoryLayout<Event>.stride + type.memory + source.memory + payload.memory - 2 * MemoryLayout<String>.stride
      - MemoryLayout<Fields>.stride
  }
}
