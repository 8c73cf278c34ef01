/// The entries of a map that is being read, each key once. Many keys are found by a table of their hashes.
struct MapEntries {
  private var pairs: [(key: String, value: Value)] = []
  private var slots: [Int32] = []

  /// - Parameter capacity: how many entries are expected.
  init(capacity: Int = 0) { pairs.reserveCapacity(capacity) }

  /// The map.
  var fields: Fields { Fields(uniquePairs: pairs) }

  /// Adds a key; `setLast` sets its value.
  /// - Returns: false if the key is already there.
  mutating func insert(_ key: String) -> Bool {
    if pairs.count < 16 {
      for pair in pairs where pair.key.isSame(as: key) { return false }
    } else {
      if slots.count < pairs.count * 2 {
        slots = [Int32](repeating: -1, count: slots.isEmpty ? 64 : slots.count * 4)
        for index in pairs.indices { slots[slot(of: pairs[index].key)] = Int32(index) }
      }
      let slot = slot(of: key)
      if slots[slot] >= 0 { return false }
      slots[slot] = Int32(pairs.count)
    }
    pairs.append((key, .null))
    return true
  }

  /// Sets the value of the newest key.
  mutating func setLast(_ value: Value) { pairs[pairs.count - 1].value = value }

  private func slot(of key: String) -> Int {
    // FNV-1a, 32 bits (G. Fowler, L. C. Noll, K.-P. Vo).
    var hash: UInt32 = 2_166_136_261
    let bytes = key.utf8Span.span
    for index in bytes.indices { hash = (hash ^ UInt32(bytes[index])) &* 16_777_619 }
    var slot = Int(hash & UInt32(slots.count - 1))
    while slots[slot] >= 0, !pairs[Int(slots[slot])].key.isSame(as: key) { slot = (slot + 1) & (slots.count - 1) }
    return slot
  }
}
