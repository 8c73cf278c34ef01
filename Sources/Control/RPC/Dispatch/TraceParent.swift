import Model

/// The position of a request in a trace of another system (W3C Trace Context, `traceparent`).
///
/// A trace id has 128 bits, as an event id has, so what the request sets off has that trace.
package struct TraceParent: Sendable, Hashable {
  /// The trace.
  package let trace: ULID
  /// The span that the request belongs to. The upper 64 bits are 0: it is no event of this board.
  package let span: ULID

  /// Reads `00-<32 digits>-<16 digits>-<2 digits>`; as the standard has it, a later version may have more at the end.
  /// - Returns: nil for anything else, and for ids of zeros.
  package init?(_ text: String) {
    let parts = text.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
    guard parts.count >= 4, text.utf8.count <= 512, let version = Self.number(parts[0], digits: 2), version != 0xFF,
      version != 0 || parts.count == 4, parts[1].count == 32, let high = Self.number(parts[1].prefix(16), digits: 16),
      let low = Self.number(parts[1].suffix(16), digits: 16), let span = Self.number(parts[2], digits: 16),
      Self.number(parts[3], digits: 2) != nil, high | low != 0, span != 0
    else { return nil }
    trace = ULID(high: high, low: low)
    self.span = ULID(high: 0, low: span)
  }

  /// As a cause of events.
  package var cause: Cause { Cause(id: span, trace: trace, depth: 0) }

  /// The text form, as sampled.
  package var text: String { "00-\(Self.hex(trace.high))\(Self.hex(trace.low))-\(Self.hex(span.low))-01" }

  private static func hex(_ number: UInt64) -> String {
    let digits = String(number, radix: 16)
    return String(repeating: "0", count: 16 - digits.utf8.count) + digits
  }

  /// Lower-case hexadecimal digits, as the standard demands.
  private static func number(_ text: Substring.UTF8View, digits: Int) -> UInt64? {
    guard text.count == digits else { return nil }
    var number: UInt64 = 0
    for byte in text {
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): number = number << 4 | UInt64(byte - UInt8(ascii: "0"))
      case UInt8(ascii: "a")...UInt8(ascii: "f"): number = number << 4 | UInt64(byte - UInt8(ascii: "a") + 10)
      default: return nil
      }
    }
    return number
  }
}
