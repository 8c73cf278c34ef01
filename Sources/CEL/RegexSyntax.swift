/// A regular expression as it was written: the part of RE2's syntax (github.com/google/re2/wiki/Syntax) that can be
/// decided without remembering groups.
indirect enum RegexSyntax: Sendable {
  case empty
  case scalars(ScalarSet)
  case assertion(Assertion)
  case sequence([RegexSyntax])
  case alternatives([RegexSyntax])
  /// `most` is nil for no limit.
  case repetition(RegexSyntax, least: Int, most: Int?)

  /// What holds between two characters.
  enum Assertion: Sendable { case textStart, textEnd, lineStart, lineEnd, wordBoundary, noWordBoundary }
}

/// Code points, as ranges; with `isNegated` all others.
struct ScalarSet: Sendable {
  var ranges: [ClosedRange<UInt32>]
  var isNegated = false

  static let all = ScalarSet(ranges: [0...0x10FFFF])
  static let digits = ScalarSet(ranges: [0x30...0x39])
  static let word = ScalarSet(ranges: [0x30...0x39, 0x41...0x5A, 0x5F...0x5F, 0x61...0x7A])
  static let blanks = ScalarSet(ranges: [0x09...0x0A, 0x0C...0x0D, 0x20...0x20])

  func contains(_ scalar: UInt32) -> Bool { ranges.contains { $0.contains(scalar) } != isNegated }

  /// The ranges with the negation carried out.
  var plain: [ClosedRange<UInt32>] {
    guard isNegated else { return ranges }
    var rest: [ClosedRange<UInt32>] = []
    var next: UInt32 = 0
    for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
      if range.lowerBound > next { rest.append(next...(range.lowerBound - 1)) }
      next = max(next, range.upperBound + 1)
    }
    if next <= 0x10FFFF { rest.append(next...0x10FFFF) }
    return rest
  }

  /// With the other case of every ASCII letter in it.
  var ignoringCase: ScalarSet {
    var set = self
    for range in ranges {
      for (first, last, shift) in [(UInt32(0x41), UInt32(0x5A), 32), (0x61, 0x7A, -32)] {
        let (low, high) = (max(range.lowerBound, first), min(range.upperBound, last))
        if low <= high { set.ranges.append(UInt32(Int(low) + shift)...UInt32(Int(high) + shift)) }
      }
    }
    return set
  }
}
