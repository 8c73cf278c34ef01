/// An ordered set of named values: what a map holds, in the order it was written.
///
/// Look-up is a linear scan: payloads have a handful of fields, where a scan beats hashing.
/// Names are the same when their bytes are. Equality and hashing ignore the order.
public struct Fields: Sendable {
  private var entries: [(key: String, value: Value)]

  /// No fields.
  public init() { entries = [] }

  /// Takes `pairs` in order; a later pair with the same name replaces the earlier one.
  public init(_ pairs: [(String, Value)]) {
    entries = []
    entries.reserveCapacity(pairs.count)
    for (key, value) in pairs { self[key] = value }
  }

  /// Takes `pairs` in order without looking for duplicates.
  /// - Parameter pairs: names must be unique; parsers that have already checked use this.
  public init(uniquePairs pairs: [(key: String, value: Value)]) { entries = pairs }

  /// The value named `key`, or nil. Setting nil removes it; setting a new name appends it.
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
    // Order must not matter: combine the sum of what each entry hashes to.
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
