/// The entries of a map, in order.
///
/// Look-up is a linear scan, which is faster than hashing for the few fields of a payload. Names are equal if their bytes
/// are. Equality and hashing ignore the order.
public struct Fields: Sendable {
  private var entries: [(key: String, value: Value)]

  /// No fields.
  public init() { entries = [] }

  /// Creates fields from pairs, in order; a later pair with the same name replaces the earlier one.
  public init(_ pairs: [(String, Value)]) {
    entries = []
    entries.reserveCapacity(pairs.count)
    for (key, value) in pairs { self[key] = value }
  }

  /// Creates fields from pairs, in order, without a check for duplicates.
  /// - Parameter pairs: the names must be unique.
  public init(uniquePairs pairs: [(key: String, value: Value)]) { entries = pairs }

  /// The value named `key`; nil if there is none. Setting nil removes it; setting a new name appends it.
  public subscript(key: String) -> Value? {
    get { entries.first { $0.key.isSame(as: key) }?.value }
    set {
      let index = entries.firstIndex { $0.key.isSame(as: key) }
      switch (index, newValue) {
      case (let index?, let value?): entries[index].value = value
      case (let index?, nil): entries.remove(at: index)
      case (nil, let value?): entries.append((key, value))
      case (nil, nil): break
      }
    }
  }

  /// The names, in order.
  public var keys: [String] { entries.map { $0.key } }
}

extension Fields: RandomAccessCollection {
  public var startIndex: Int { entries.startIndex }
  public var endIndex: Int { entries.endIndex }
  public subscript(position: Int) -> (key: String, value: Value) { entries[position] }
}

extension Fields: ExpressibleByDictionaryLiteral {
  public init(dictionaryLiteral elements: (String, Value)...) { self.init(elements) }
}

extension Fields: Hashable {
  public static func == (left: Fields, right: Fields) -> Bool {
    left.count == right.count && left.entries.allSatisfy { right[$0.key] == $0.value }
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(count)
    // The sum of the hashes does not depend on the order.
    var sum = 0
    for entry in entries {
      var one = Hasher()
      one.combine(entry.key)
      one.combine(entry.value)
      sum &+= one.finalize()
    }
    hasher.combine(sum)
  }
}
