/// A 128-bit id that sorts by the time it was made: 48 bits of milliseconds, 80 bits that grow within one.
///
/// Text form: 26 characters of Crockford's base 32, as in the ULID specification (github.com/ulid/spec).
public struct ULID: Hashable, Comparable, Sendable {
  /// Milliseconds since 1970 (upper 48 bits), then the upper 16 random bits.
  public let high: UInt64
  /// The lower 64 random bits.
  public let low: UInt64

  /// Puts an id together from its two halves.
  public init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  /// Puts an id together.
  /// - Parameters:
  ///   - milliseconds: since 1970; only the lower 48 bits count.
  ///   - random: the upper 16 and lower 64 bits of the part that is not time.
  public init(milliseconds: UInt64, random: (UInt16, UInt64)) {
    high = milliseconds << 16 | UInt64(random.0)
    low = random.1
  }

  /// Milliseconds since 1970 at which it was made.
  public var milliseconds: UInt64 { high >> 16 }

  /// The next id within the same millisecond: one more in the random part.
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

  /// Reads the text form, upper or lower case.
  /// - Returns: nil unless `text` is 26 characters of Crockford's base 32 that fit 128 bits.
  public init?(_ text: String) {
    var (high, low): (UInt64, UInt64) = (0, 0)
    let bytes = Array(text.utf8)
    guard bytes.count == 26, bytes[0] <= UInt8(ascii: "7") else { return nil }
    for byte in bytes {
      let upper = byte >= UInt8(ascii: "a") && byte <= UInt8(ascii: "z") ? byte - 32 : byte
      guard let digit = Self.alphabet.firstIndex(of: upper) else { return nil }
      high = high << 5 | low >> 59
      low = low << 5 | UInt64(digit)
    }
    self.init(high: high, low: low)
  }
}
