/// A 128-bit id that sorts by its time: 48 bits of milliseconds, and 80 bits that increase within a millisecond.
///
/// Text form: 26 characters of Crockford's base 32, as in the ULID specification (github.com/ulid/spec).
public struct ULID: Hashable, Comparable, Sendable {
  /// Milliseconds since 1970 (upper 48 bits), then the upper 16 random bits.
  public let high: UInt64
  /// The lower 64 random bits.
  public let low: UInt64

  /// Creates an id from its halves.
  public init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  /// Creates an id.
  /// - Parameters:
  ///   - milliseconds: since 1970; only the lower 48 bits count.
  ///   - random: the upper 16 and lower 64 bits of the random part.
  public init(milliseconds: UInt64, random: (UInt16, UInt64)) {
    high = milliseconds << 16 | UInt64(random.0)
    low = random.1
  }

  /// The time of creation, in milliseconds since 1970.
  public var milliseconds: UInt64 { high >> 16 }

  /// The next id within the same millisecond.
  public var successor: ULID {
    let (next, overflow) = low.addingReportingOverflow(1)
    return ULID(high: overflow ? high &+ 1 : high, low: next)
  }

  public static func < (left: ULID, right: ULID) -> Bool {
    (left.high, left.low) < (right.high, right.low)
  }
}

extension ULID: CustomStringConvertible {
  private static let alphabet = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ".utf8)

  /// The 26-character text form.
  public var description: String {
    var characters = [UInt8](repeating: 0, count: 26)
    var (high, low) = (high, low)
    for index in stride(from: 25, through: 0, by: -1) {
      characters[index] = Self.alphabet[Int(low & 31)]
      low = low >> 5 | high << 59
      high >>= 5
    }
    return String(decoding: characters, as: UTF8.self)
  }

  /// Parses the text form, in upper or lower case.
  /// - Returns: nil unless `text` is 26 characters of Crockford's base 32 that fit into 128 bits.
  public init?(_ text: String) {
    var (high, low): (UInt64, UInt64) = (0, 0)
    let bytes = text.utf8Span.span
    guard bytes.count == 26, bytes[0] <= UInt8(ascii: "7") else { return nil }
    for index in bytes.indices {
      guard let digit = Self.digit(bytes[index]) else { return nil }
      high = high << 5 | low >> 59
      low = low << 5 | UInt64(digit)
    }
    self.init(high: high, low: low)
  }

  /// The value of a character, 0 to 31; nil if it is none of Crockford's base 32.
  private static func digit(_ character: UInt8) -> UInt8? {
    if character >= UInt8(ascii: "0") && character <= UInt8(ascii: "9") { return character - UInt8(ascii: "0") }
    let letter = character & 0xDF
    switch letter {
    case UInt8(ascii: "A")...UInt8(ascii: "H"): return letter - UInt8(ascii: "A") + 10
    case UInt8(ascii: "J")...UInt8(ascii: "K"): return letter - UInt8(ascii: "J") + 18
    case UInt8(ascii: "M")...UInt8(ascii: "N"): return letter - UInt8(ascii: "M") + 20
    case UInt8(ascii: "P")...UInt8(ascii: "T"): return letter - UInt8(ascii: "P") + 22
    case UInt8(ascii: "V")...UInt8(ascii: "Z"): return letter - UInt8(ascii: "V") + 27
    default: return nil
    }
  }
}
