#if !hasFeature(Embedded)
  import Companion
#endif

/// An address of IPv4 or IPv6, without a port.
package struct IPAddress: Equatable, Sendable {
  /// 4 or 16 bytes, in network order.
  package private(set) var bytes: [UInt8]

  /// An address, as the name service gives it; nil unless there are 4 or 16 bytes. One of IPv6 that contains one of IPv4
  /// is that one: entries of manifests have only this form.
  package init?(bytes: [UInt8]) {
    guard bytes.count == 4 || bytes.count == 16 else { return nil }
    self.bytes = bytes
    if isMapped { self.bytes = [UInt8](bytes[12...]) }
  }

  /// Reads an address: four decimal numbers without leading zeros, or IPv6 (RFC 4291, 2.2) without a zone. Other forms
  /// that inet_aton(3) takes, such as `127.1` and `0x7f.1`, are none.
  package init?(_ text: [UInt8]) {
    guard let bytes = text.contains(0x3A) ? Self.six(text) : Self.four(text) else { return nil }
    self.bytes = bytes
  }

  private static func four(_ text: [UInt8]) -> [UInt8]? {
    var bytes: [UInt8] = []
    for part in text.split(separator: 0x2E, omittingEmptySubsequences: false) {
      guard bytes.count < 4, let number = decimal([UInt8](part), most: 255) else { return nil }
      bytes.append(UInt8(number))
    }
    return bytes.count == 4 ? bytes : nil
  }

  private static func six(_ text: [UInt8]) -> [UInt8]? {
    guard text.count <= 45 else { return nil }
    // The place of `::` in what has been read so far.
    var gap: Int?
    var bytes: [UInt8] = []
    var index = 0
    if text.count >= 2, text[0] == 0x3A {
      guard text[1] == 0x3A else { return nil }
      gap = 0
      index = 2
    }
    while index < text.count {
      var end = index
      while end < text.count, text[end] != 0x3A { end += 1 }
      let group = [UInt8](text[index..<end])
      if group.contains(0x2E) {
        guard end == text.count, let last = four(group) else { return nil }
        bytes += last
        index = end
        break
      }
      guard let number = hexadecimal(group) else { return nil }
      bytes += [UInt8(number >> 8), UInt8(number & 0xFF)]
      index = end
      guard index < text.count else { break }
      index += 1
      // A colon at the end is only right as a part of `::`.
      guard index < text.count else { return nil }
      if text[index] == 0x3A {
        guard gap == nil else { return nil }
        gap = bytes.count
        index += 1
      }
    }
    guard let gap else { return bytes.count == 16 ? bytes : nil }
    // `::` stands for at least one group.
    guard bytes.count <= 14 else { return nil }
    return bytes[..<gap] + [UInt8](repeating: 0, count: 16 - bytes.count) + bytes[gap...]
  }

  private static func hexadecimal(_ text: [UInt8]) -> UInt16? {
    guard (1...4).contains(text.count) else { return nil }
    var number: UInt16 = 0
    for byte in text {
      let digit: UInt8
      switch byte {
      case 0x30...0x39: digit = byte - 0x30
      case 0x41...0x46, 0x61...0x66: digit = (byte | 0x20) - 0x61 + 10
      default: return nil
      }
      number = number << 4 | UInt16(digit)
    }
    return number
  }

  /// Reads a decimal number without leading zeros.
  static func decimal(_ text: [UInt8], most: Int) -> Int? {
    guard let first = text.first, text.count <= 5, first != 0x30 || text.count == 1 else { return nil }
    var number = 0
    for byte in text {
      guard byte >= 0x30, byte <= 0x39 else { return nil }
      number = number * 10 + Int(byte - 0x30)
    }
    return number <= most ? number : nil
  }

  /// The address in its usual form (RFC 5952 for IPv6), without brackets.
  package var text: [UInt8] {
    if bytes.count == 4 {
      var text: [UInt8] = []
      for (index, byte) in bytes.enumerated() {
        if index > 0 { text.append(0x2E) }
        text += [UInt8](digits: UInt64(byte))
      }
      return text
    }
    let groups = (0..<8).map { UInt16(bytes[2 * $0]) << 8 | UInt16(bytes[2 * $0 + 1]) }
    let gap = Self.longestZeros(groups)
    var text: [UInt8] = []
    var index = 0
    while index < 8 {
      if let gap, index == gap.start {
        text += [0x3A, 0x3A]
        index += gap.count
        continue
      }
      if let last = text.last, last != 0x3A { text.append(0x3A) }
      text += Self.hexadecimalDigits(groups[index])
      index += 1
    }
    return text
  }

  private static func longestZeros(_ groups: [UInt16]) -> (start: Int, count: Int)? {
    var best: (start: Int, count: Int)?
    var count = 0
    for index in 0..<8 {
      count = groups[index] == 0 ? count + 1 : 0
      if count >= 2, count > best?.count ?? 1 { best = (index + 1 - count, count) }
    }
    return best
  }

  private static func hexadecimalDigits(_ number: UInt16) -> [UInt8] {
    var text: [UInt8] = []
    for shift in [12, 8, 4, 0] as [UInt16] {
      let digit = UInt8(number >> shift & 0xF)
      if text.isEmpty, digit == 0, shift > 0 { continue }
      text.append(digit < 10 ? 0x30 + digit : 0x61 + digit - 10)
    }
    return text
  }
}
