/// A decimal number, for its exact conversion to binary.
struct JSONDecimal {
  var isNegative: Bool
  /// The power of ten that the digits are multiplied with.
  var exponent = 0
  /// Without leading zeros.
  private var digits: [UInt8] = []
  /// All digits as one number; nil once they do not fit.
  private var whole: UInt64? = 0

  /// At most 767 digits decide how a number is rounded to binary64; one more stands for all further digits.
  private static let longest = 800

  init(isNegative: Bool) { self.isNegative = isNegative }

  mutating func append(_ digit: UInt8, isFraction: Bool) {
    if isFraction { exponent -= 1 }
    if digits.isEmpty && digit == 0 { return }
    if digits.count > Self.longest {
      // From here on it only matters whether any digit is not zero.
      if digit != 0 { digits[Self.longest] = 1 }
      exponent += 1
      return
    }
    digits.append(digits.count == Self.longest ? min(digit, 1) : digit)
    if let value = whole {
      let (tens, over) = value.multipliedReportingOverflow(by: 10)
      let (sum, carry) = tens.addingReportingOverflow(UInt64(digit))
      whole = over || carry ? nil : sum
    }
  }

  /// The number as an integer; nil if it needs more than 64 bits.
  var integer: Int64? {
    guard let whole, exponent == 0 else { return nil }
    if isNegative { return whole <= 1 << 63 ? Int64(truncatingIfNeeded: 0 &- whole) : nil }
    return Int64(exactly: whole)
  }

  /// The nearest floating-point number, ties to even; nil beyond the largest.
  var double: Double? {
    guard let magnitude else { return nil }
    return isNegative ? -magnitude : magnitude
  }

  private var magnitude: Double? {
    if digits.isEmpty || digits.count + exponent < -330 { return 0 }
    if digits.count + exponent > 310 { return nil }
    // Both operands are exact, so the result is rounded once (W. D. Clinger, "How to read floating point numbers
    // accurately", 1990).
    if let whole, whole < 1 << 53, exponent.magnitude <= 22 {
      var power = 1.0
      for _ in 0..<exponent.magnitude { power *= 10 }
      return exponent < 0 ? Double(whole) / power : Double(whole) * power
    }
    return quotient()
  }

  /// Binary long division of two integers, rounded by the remainder.
  private func quotient() -> Double? {
    var numerator = WideNumber()
    var denominator = WideNumber(1)
    for digit in digits { numerator.multiply(by: 10, add: UInt32(digit)) }
    for _ in 0..<max(exponent, 0) { numerator.multiply(by: 10, add: 0) }
    for _ in 0..<max(-exponent, 0) { denominator.multiply(by: 10, add: 0) }
    // The number is numerator / denominator · 2^power with the fraction in 1 ..< 2.
    var power = numerator.bits - denominator.bits
    if power > 0 { denominator.shift(by: power) } else { numerator.shift(by: -power) }
    if numerator < denominator {
      numerator.shift(by: 1)
      power -= 1
    }
    if power > 1023 { return nil }
    let count = min(53, 53 + power + 1022)
    if count < 0 { return 0 }
    var bits: UInt64 = 0
    for _ in 0..<count {
      bits <<= 1
      if !(numerator < denominator) {
        numerator.subtract(denominator)
        bits |= 1
      }
      numerator.shift(by: 1)
    }
    // The remainder has been doubled, so comparing it with the denominator compares it with one half. If no bit was taken,
    // it has not been doubled.
    if count == 0 { return denominator < numerator ? .leastNonzeroMagnitude : 0 }
    if denominator < numerator || !(numerator < denominator) && bits & 1 == 1 { bits += 1 }
    // A carry out of the fraction increments the exponent.
    let pattern = power < -1022 ? bits : UInt64(power + 1023) << 52 &+ (bits &- 1 << 52)
    let value = Double(bitPattern: pattern)
    return value.isFinite ? value : nil
  }
}

/// An integer of any length, in little-endian words, without leading zeros.
private struct WideNumber {
  private var words: [UInt32]

  init(_ word: UInt32? = nil) { words = word.map { [$0] } ?? [] }

  var bits: Int { words.last.map { words.count * 32 - $0.leadingZeroBitCount } ?? 0 }

  mutating func multiply(by factor: UInt32, add more: UInt32) {
    var carry = UInt64(more)
    for index in words.indices {
      carry += UInt64(words[index]) * UInt64(factor)
      words[index] = UInt32(truncatingIfNeeded: carry)
      carry >>= 32
    }
    if carry > 0 { words.append(UInt32(carry)) }
  }

  mutating func shift(by count: Int) {
    let (whole, part) = (count / 32, UInt64(count % 32))
    var carry: UInt64 = 0
    for index in words.indices {
      carry |= UInt64(words[index]) << part
      words[index] = UInt32(truncatingIfNeeded: carry)
      carry >>= 32
    }
    if carry > 0 { words.append(UInt32(carry)) }
    if whole > 0 { words.insert(contentsOf: repeatElement(0, count: whole), at: 0) }
  }

  /// Subtracts a number that is not larger.
  mutating func subtract(_ other: WideNumber) {
    var borrow: UInt64 = 0
    for index in words.indices {
      let less = UInt64(index < other.words.count ? other.words[index] : 0) + borrow
      borrow = UInt64(words[index]) < less ? 1 : 0
      words[index] = words[index] &- UInt32(truncatingIfNeeded: less)
    }
    while words.last == 0 { words.removeLast() }
  }

  static func < (left: WideNumber, right: WideNumber) -> Bool {
    if left.words.count != right.words.count { return left.words.count < right.words.count }
    for index in left.words.indices.reversed() where left.words[index] != right.words[index] {
      return left.words[index] < right.words[index]
    }
    return false
  }
}
