/// The syntax tree of a regular expression: the subset of RE2 (github.com/google/re2/wiki/Syntax) that needs no capture
/// groups.
indirect enum RegexSyntax: Sendable {
  case empty
  case scalars(ScalarSet)
  case assertion(Assertion)
  case sequence([RegexSyntax])
  case alternatives([RegexSyntax])
  /// `most` is nil for no limit.
  case repetition(RegexSyntax, least: Int, most: Int?)

  /// A zero-width assertion.
  enum Assertion: Sendable { case textStart, textEnd, lineStart, lineEnd, wordBoundary, noWordBoundary }
}

/// A set of code points, as ranges; with `isNegated` their complement.
struct ScalarSet: Sendable {
  var ranges: [ClosedRange<UInt32>]
  var isNegated = false
  /// Whether `contains` also looks up the case variants of a non-ASCII code point.
  private var ignoresCase = false

  init(ranges: [ClosedRange<UInt32>], isNegated: Bool = false) {
    self.ranges = ranges
    self.isNegated = isNegated
  }

  static let all = ScalarSet(ranges: [0...0x10FFFF])
  static let digits = ScalarSet(ranges: [0x30...0x39])
  static let word = ScalarSet(ranges: [0x30...0x39, 0x41...0x5A, 0x5F...0x5F, 0x61...0x7A])
  static let blanks = ScalarSet(ranges: [0x09...0x0A, 0x0C...0x0D, 0x20...0x20])

  func contains(_ scalar: UInt32) -> Bool {
    let isIn = isNamed(scalar) || ignoresCase && scalar >= 0x80 && Self.cases(of: scalar).contains(where: isNamed)
    return isIn != isNegated
  }

  private func isNamed(_ scalar: UInt32) -> Bool { ranges.contains { $0.contains(scalar) } }

  /// The ranges with the negation applied.
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

  /// The set extended by the case variants of its letters.
  var ignoringCase: ScalarSet {
    var set = self
    set.ignoresCase = true
    for range in ranges {
      // σ, ς and Σ are case variants of each other, but the variants of σ in a text do not include ς.
      if range.count == 1 { set.ranges += Self.cases(of: range.lowerBound).map { $0...$0 } }
      for (first, last, shift) in [(UInt32(0x41), UInt32(0x5A), 32), (0x61, 0x7A, -32)] {
        let (low, high) = (max(range.lowerBound, first), min(range.upperBound, last))
        if low <= high { set.ranges.append(UInt32(Int(low) + shift)...UInt32(Int(high) + shift)) }
      }
    }
    return set
  }

  /// The case variants of a letter that are single code points (Unicode's simple mappings).
  private static func cases(of scalar: UInt32) -> [UInt32] {
    // The dotless i has the upper case I, but does not fold to i (CaseFolding.txt).
    guard scalar != 0x131, let letter = Unicode.Scalar(scalar) else { return [] }
    let lower = single(letter.properties.lowercaseMapping)
    let upper = single(letter.properties.uppercaseMapping)
    let lowerOfUpper = upper.flatMap { single($0.properties.lowercaseMapping) }
    let upperOfLower = lower.flatMap { single($0.properties.uppercaseMapping) }
    return [lower, upper, lowerOfUpper, upperOfLower].compactMap { $0?.value }
  }

  private static func single(_ text: String) -> Unicode.Scalar? {
    let scalars = text.unicodeScalars
    return scalars.count == 1 ? scalars.first : nil
  }
}
