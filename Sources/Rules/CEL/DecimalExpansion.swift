/// The decimal digits of a finite number: 0.d₁d₂d₃… × 10^`point`, without a sign.
struct DecimalExpansion {
  /// From 0 to 9, without zeros at either end; none for zero.
  private var digits: [UInt8]
  private var point: Int

  private init(_ digits: [UInt8], point: Int) {
    let zeros = digits.prefix { $0 == 0 }.count
    self.digits = Array(digits.dropFirst(zeros))
    while self.digits.last == 0 { self.digits.removeLast() }
    self.point = self.digits.isEmpty ? 0 : point - zeros
  }

  /// All digits of the exact value; a double has at most 767.
  init(exactly value: Double) {
    // The value is significand · 2^exponent. A negative power of two is 5^n / 10^n.
    var significand = value.significandBitPattern
    if value.isNormal { significand |= 1 << UInt64(Double.significandBitCount) }
    let exponent = max(1, Int(value.exponentBitPattern)) - 1075
    var limbs = Self.limbs(of: significand)
    Self.multiply(&limbs, by: exponent < 0 ? 5 : 2, times: exponent.magnitude, atOnce: exponent < 0 ? 12 : 29)
    let digits = limbs.reversed().flatMap { limb in
      var rest = limb
      var nine = [UInt8](repeating: 0, count: 9)
      for place in (0..<9).reversed() {
        nine[place] = UInt8(rest % 10)
        rest /= 10
      }
      return nine
    }
    self.init(digits, point: digits.count + min(0, exponent))
  }

  /// The fewest digits that give the same double.
  init(shortest value: Double) {
    // Swift writes a double so: 1.5, 1e+300, 2.5e-07.
    let parts = "\(value.magnitude)".split(separator: "e")
    let mantissa = (parts.first ?? "0").utf8
    let whole = mantissa.prefix { $0 != UInt8(ascii: ".") }.count
    let exponent = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
    self.init(mantissa.filter { $0 != UInt8(ascii: ".") }.map { $0 & 15 }, point: whole + exponent)
  }

  // MARK: Limbs

  /// Nine digits each, the lowest first.
  private static let base: UInt64 = 1_000_000_000

  private static func limbs(of number: UInt64) -> [UInt64] {
    [number % base, number / base % base, number / base / base]
  }

  /// Multiplies by `factor` so many times, `atOnce` of them in one pass; the product of a pass and a limb is below 2⁶⁴.
  private static func multiply(_ limbs: inout [UInt64], by factor: UInt64, times: UInt, atOnce: UInt) {
    var rest = times
    while rest > 0 {
      let power = (0..<min(rest, atOnce)).reduce(UInt64(1)) { product, _ in product * factor }
      rest -= min(rest, atOnce)
      var carry: UInt64 = 0
      for index in limbs.indices {
        let product = limbs[index] * power + carry
        limbs[index] = product % base
        carry = product / base
      }
      if carry > 0 { limbs.append(carry) }
    }
  }

  // MARK: Texts

  /// Decimals without an exponent, as many as there are.
  var positional: String { fixed(decimals: max(0, digits.count - point)) }

  /// `1234.50`, rounded to so many decimals, halves to even.
  func fixed(decimals: Int) -> String {
    let rounded = rounded(keeping: point + decimals)
    let whole = rounded.point > 0 ? (0..<rounded.point).map(rounded.digit) : [0]
    let fraction = (0..<decimals).map { rounded.digit(at: rounded.point + $0) }
    return Self.text(whole, fraction)
  }

  /// `1.2345e+03`, rounded to so many decimals, halves to even.
  func scientific(decimals: Int) -> String {
    let rounded = rounded(keeping: 1 + decimals)
    let exponent = rounded.digits.isEmpty ? 0 : rounded.point - 1
    let sign = exponent < 0 ? "-" : "+"
    let power = "\(exponent.magnitude)"
    return Self.text([rounded.digit(at: 0)], (0..<decimals).map { rounded.digit(at: 1 + $0) })
      + "e\(sign)\(power.utf8.count < 2 ? "0" : "")\(power)"
  }

  private func digit(at index: Int) -> UInt8 { digits.indices.contains(index) ? digits[index] : 0 }

  private static func text(_ whole: [UInt8], _ fraction: [UInt8]) -> String {
    let characters = whole + (fraction.isEmpty ? [] : [UInt8(ascii: ".")] + fraction)
    return String(decoding: characters.map { $0 < 10 ? $0 + UInt8(ascii: "0") : $0 }, as: UTF8.self)
  }

  /// Only the first `count` digits, rounded, halves to even.
  private func rounded(keeping count: Int) -> DecimalExpansion {
    guard count < digits.count else { return self }
    guard count >= 0 else { return DecimalExpansion([], point: 0) }
    var kept = [0] + digits[..<count]
    let isOdd = kept[count] % 2 == 1
    if digits[count] > 5 || (digits[count] == 5 && (count + 1 < digits.count || isOdd)) {
      var place = count
      while kept[place] == 9 {
        kept[place] = 0
        place -= 1
      }
      kept[place] += 1
    }
    return DecimalExpansion(kept, point: point + 1)
  }
}
