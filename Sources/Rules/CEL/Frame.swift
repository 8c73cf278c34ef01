/// The state of one evaluation: scope, macro variables, and the remaining steps.
struct Frame {
  let scope: any CELScope
  var locals: [CELValue]
  /// Why values of `cel.bind` failed, by the index of the variable; thrown where the variable is used.
  var failures: [Int: CELError] = [:]
  var steps: Int

  /// Deducts steps. One step is about the cost of one operator on numbers.
  /// - Parameter work: any number; a sum too large for 63 bits cannot arise.
  /// - Throws: an error of kind `limit` when none are left.
  mutating func charge(_ work: Int, _ offset: Int) throws(CELError) {
    steps -= min(work, 1 << 60)
    guard steps >= 0 else {
      throw CELError(offset: offset, message: "the evaluation takes too many steps", kind: .limit)
    }
  }
}

extension CELValue {
  /// CEL's `==` (langdef.md, "Equality"), a deep comparison.
  /// - Parameter steps: counted down; the result is invalid when it ends below 0.
  static func equal(_ left: CELValue, _ right: CELValue, _ steps: inout Int) -> Bool {
    steps -= 1
    guard steps >= 0 else { return false }
    switch (left, right) {
    case (.null, .null): return true
    case (.bool(let left), .bool(let right)): return left == right
    case (.int(let left), .int(let right)): return left == right
    case (.double(let left), .double(let right)): return left == right
    case (.string(let left), .string(let right)):
      steps -= min(left.utf8.count, right.utf8.count) >> 6
      return left.utf8.count == right.utf8.count && left.utf8.elementsEqual(right.utf8)
    case (.bytes(let left), .bytes(let right)):
      steps -= min(left.count, right.count) >> 6
      return left == right
    case (.duration(let left), .duration(let right)): return left == right
    case (.timestamp(let left), .timestamp(let right)): return left == right
    case (.type(let left), .type(let right)): return left == right
    case (.optional(let left), .optional(let right)):
      guard let left, let right else { return left == nil && right == nil }
      return equal(left, right, &steps)
    case (.list(let left), .list(let right)):
      guard left.count == right.count else { return false }
      for index in left.indices where !equal(left[index], right[index], &steps) { return false }
      return true
    case (.map(let left), .map(let right)):
      guard left.count == right.count else { return false }
      steps -= left.count * (left.count >> 5)
      for key in left.keys {
        guard let one = left[key], let other = right[key], equal(one, other, &steps) else { return false }
      }
      return true
    default: return compareNumbers(left, right) == .equal
    }
  }

  /// The result of a comparison; `unordered` when one side is NaN.
  enum Ranking { case less, equal, greater, unordered }

  /// Compares two values; nil when their types are not comparable.
  static func compare(_ left: CELValue, _ right: CELValue) -> Ranking? {
    switch (left, right) {
    case (.double(let left), .double(let right)): rank(left, right)
    case (.int(let left), .int(let right)): rank(left, right)
    case (.string(let left), .string(let right)): rank(of: left.utf8, right.utf8)
    case (.bytes(let left), .bytes(let right)): rank(of: left, right)
    case (.bool(let left), .bool(let right)): rank(left ? 1 : 0, right ? 1 : 0)
    case (.duration(let left), .duration(let right)): rank(left, right)
    case (.timestamp(let left), .timestamp(let right)): rank(left, right)
    default: compareNumbers(left, right)
    }
  }

  /// Compares numbers of any types; nil when one value is not a number. An integer is rounded to a double for
  /// comparison with a double, as the conformance tests of cel-spec require (comparisons.textproto, "lossy").
  private static func compareNumbers(_ left: CELValue, _ right: CELValue) -> Ranking? {
    switch (left, right) {
    case (.int(let left), .int(let right)): rank(left, right)
    case (.uint(let left), .uint(let right)): rank(left, right)
    case (.double(let left), .double(let right)): rank(left, right)
    case (.int(let left), .uint(let right)): rank(mixed: left, right)
    case (.uint(let left), .int(let right)): rank(mixed: left, right)
    case (.int(let left), .double(let right)): rank(Double(left), right)
    case (.uint(let left), .double(let right)): rank(Double(left), right)
    case (.double(let left), .int(let right)): rank(left, Double(right))
    case (.double(let left), .uint(let right)): rank(left, Double(right))
    default: nil
    }
  }

  private static func rank<T: Comparable>(_ left: T, _ right: T) -> Ranking {
    left < right ? .less : left == right ? .equal : left > right ? .greater : .unordered
  }

  private static func rank<T: BinaryInteger, U: BinaryInteger>(mixed left: T, _ right: U) -> Ranking {
    left < right ? .less : left == right ? .equal : .greater
  }

  /// Comparing UTF-8 bytes gives the order of code points.
  private static func rank(of left: some Sequence<UInt8>, _ right: some Sequence<UInt8>) -> Ranking {
    left.lexicographicallyPrecedes(right) ? .less : left.elementsEqual(right) ? .equal : .greater
  }
}
