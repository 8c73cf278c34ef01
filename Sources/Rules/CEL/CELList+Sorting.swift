extension CELList {
  /// The elements in the order of their keys; elements with equal keys keep their order (github.com/google/cel-go,
  /// ext/lists.go, "sortListByAssociatedKeys").
  /// - Parameters:
  ///   - keys: as many as elements.
  ///   - name: the function, for error messages.
  /// - Throws: the keys are not of one type, or their type has no order.
  func sorted(
    byKeys keys: CELList, _ name: String, _ frame: inout Frame
  ) throws(CELError) -> [CELValue] {
    guard let type = keys.first?.type else { return [] }
    guard CELType.sortable.contains(type) else {
      throw CELError(message: "\(name): values of type \(type) have no order")
    }
    // A merge sort compares each key once for every doubling of the length.
    let rounds = Int.bitWidth - keys.count.leadingZeroBitCount
    for key in keys {
      guard key.type == type else {
        throw CELError(message: "\(name): the values must have one type, not \(type) and \(key.type)")
      }
      if case .double(let value) = key, value.isNaN { throw CELError(message: "\(name): NaN has no order") }
      try frame.charge(rounds * (1 + key.length >> 5), 0)
    }
    return keys.indices.sorted { CELValue.compare(keys[$0], keys[$1]) == .less }.map { self[$0] }
  }
}

extension CELType {
  /// The types whose values can be sorted.
  static let sortable: [CELType] = [.int, .uint, .double, .bool, .duration, .timestamp, .string, .bytes]
}

extension CELValue {
  /// The number of bytes of a string or of bytes; otherwise 0.
  fileprivate var length: Int {
    switch self {
    case .string(let text): text.utf8.count
    case .bytes(let bytes): bytes.count
    default: 0
    }
  }
}
