// Text as bytes: Embedded Swift has no formatting.
extension [UInt8] {
  /// The bytes of a literal.
  package init(_ text: StaticString) {
    self = []
    // SAFETY: the literal lives as long as the program.
    text.withUTF8Buffer { buffer in
      for index in 0..<buffer.count { append(unsafe buffer[index]) }
    }
  }

  /// The digits of a number.
  package init(digits number: UInt64) {
    var digits: [UInt8] = []
    var rest = number
    repeat {
      digits.append(0x30 + UInt8(rest % 10))
      rest /= 10
    } while rest > 0
    self = []
    for index in 0..<digits.count { append(digits[digits.count - 1 - index]) }
  }
}
