/// Shrinks failing inputs by removing pieces, large ones first.
package enum Shrinker {
  /// - Parameters:
  ///   - attempts: the maximum number of calls of `fails`.
  ///   - fails: whether a smaller input fails in the same way.
  /// - Returns: the smallest failing input found; `input` itself when there is none.
  package static func shrink(
    _ input: [UInt8], attempts: Int = 400, fails: ([UInt8]) throws -> Bool
  ) rethrows -> [UInt8] {
    guard try fails(input) else { return input }
    var (small, left, piece) = (input, attempts, max(1, input.count / 2))
    while piece > 0 {
      var start = 0
      while start < small.count, left > 0 {
        left -= 1
        let shorter = Array(small[..<start] + small[min(small.count, start + piece)...])
        if try fails(shorter) { small = shorter } else { start += piece }
      }
      piece /= 2
    }
    return small
  }
}
