/// A number as its digits in base ten, on the way to an exact one in base two.
struct JSONDecimal {
  var isNegative: Bool
  /// What the digits are to be multiplied with: a power of ten.
  var exponent = 0
  /// Without zeros in front.
  private var digits: [UInt8] = []
  /// All digits as one number, while they fit.
  private var whole: UInt64? = 0

  /// A binary64 that lies between two others is decided by at most 767 digits; one more stands for all that follow.
  private static let longest = 800

  init(isNegative: Bool) { self.isNegative = isNegative }

  mutating func append(_ digit: UInt8, isFraction: Bool) {
    if isFraction { exponent -= 1 }
    if digits.isEmpty && digit == 0 { return }
    if digits.count > Self.longest {
      // Only whether anything but zeros follows counts now.
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

  /// The integer that the digits are; nil when it takes more than 64 bits.
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
    // Both are exact, so that one operation rounds once (W. D. Clinger, "How to read floating point numbers
    // accurately", 1990).
    if let whole, whole < 1 << 53, exponent.magnitude <= 22 {
      var power = 1.0
      for _ in 0..<exponent.magnitude { power *= 10 }
      return exponent < 0 ? Double(whole) / power : Double(whole) * power
    }
    return quotient()
  }

  /// Long division in base two of two whole numbers, and a look at what is left over.
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
    // What is left has been doubled: beside the denominator it is a half. With no bit taken it is the whole, undoubled.
    if count == 0 { return denominator < numerator ? .leastNonzeroMagnitude : 0 }
    if denominator < numerator || !(numerator < denominator) && bits & 1 == 1 { bits += 1 }
    // A carry out of the fraction raises the exponent by itself.
    let pattern = power < -1022 ? bits : UInt64(power + 1023) << 52 &+ (bits &- 1 << 52)
    let value = Double(bitPattern: pattern)
    return value.isFinite ? value : nil
  }
}

/// A whole number of any length, little end first, without zeros at its end.
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

  /// Takes away a number that is not larger.
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
