/// Parses and formats times and durations in CEL's notation.
enum TimeText {
  /// The maximum duration in CEL: 64 bits of nanoseconds, about 292 years.
  static let longest = Duration.nanoseconds(Int64.max)

  /// Parses `1h30m`, `-1.5s`, `100ms`, `0`: signed decimals with the units h, m, s, ms, us, µs and ns.
  /// - Returns: nil when the text is not a duration, or is longer than 292 years.
  static func duration(parsing text: String) -> Duration? {
    var rest = text.utf8[...]
    var negative = false
    if let sign = rest.first, sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") {
      negative = sign == UInt8(ascii: "-")
      rest = rest.dropFirst()
    }
    if rest.elementsEqual("0".utf8) { return .zero }
    guard !rest.isEmpty else { return nil }
    var total = Duration.zero
    while !rest.isEmpty {
      let whole = rest.prefix(while: isDigit)
      rest = rest.dropFirst(whole.count)
      var decimals = rest.prefix(0)
      if rest.first == UInt8(ascii: ".") {
        rest = rest.dropFirst()
        decimals = rest.prefix(while: isDigit)
        rest = rest.dropFirst(decimals.count)
      }
      guard !whole.isEmpty || !decimals.isEmpty, whole.count <= 15, let scale = unit(&rest) else { return nil }
      let number = whole.reduce(Int64(0)) { $0 * 10 + Int64($1 - 48) }
      // Reject before multiplying, so that the products cannot overflow: 2⁶³ ns are less than 10¹⁰ s.
      guard number / scale.perSecond <= 10_000_000_000 else { return nil }
      total += .seconds(number / scale.perSecond * scale.seconds)
      total += .nanoseconds(number % scale.perSecond * (1_000_000_000 / scale.perSecond))
      var digit = Duration.nanoseconds(1_000_000_000 / scale.perSecond * scale.seconds)
      for byte in decimals.prefix(18) {
        digit = digit / 10
        total += digit * Int64(byte - 48)
      }
      guard total <= longest else { return nil }
    }
    // CEL durations have nanosecond resolution.
    let (seconds, attoseconds) = total.components
    total = .seconds(seconds) + .nanoseconds(attoseconds / 1_000_000_000)
    return negative ? .zero - total : total
  }

  private static func unit(_ rest: inout Substring.UTF8View) -> (perSecond: Int64, seconds: Int64)? {
    let units: [(String, Int64, Int64)] = [
      ("ns", 1_000_000_000, 1), ("us", 1_000_000, 1), ("µs", 1_000_000, 1), ("μs", 1_000_000, 1), ("ms", 1_000, 1),
      ("h", 1, 3600), ("m", 1, 60), ("s", 1, 1),
    ]
    for (name, perSecond, seconds) in units where rest.starts(with: name.utf8) {
      rest = rest.dropFirst(name.utf8.count)
      return (perSecond, seconds)
    }
    return nil
  }

  /// Seconds without trailing zeros: `5400s`, `-1.5s`.
  static func duration(_ duration: Duration) -> String {
    let (seconds, attoseconds) = duration.components
    let sign = seconds < 0 || attoseconds < 0 ? "-" : ""
    return sign + "\(seconds.magnitude)" + decimals(attoseconds.magnitude / 1_000_000_000) + "s"
  }

  /// Parses RFC 3339: `2026-01-01T12:00:00Z`, `2026-01-01T12:00:00.25+02:00`.
  /// - Returns: nil when the text is not a timestamp, the date does not exist, or the year is not in 1 to 9999.
  static func timestamp(parsing text: String) -> CELTimestamp? {
    let bytes = Array(text.utf8)
    guard bytes.count >= 20, bytes.count <= 40 else { return nil }
    func number(_ start: Int, _ length: Int) -> Int? {
      guard start + length <= bytes.count else { return nil }
      let digits = bytes[start..<start + length]
      return digits.allSatisfy(isDigit) ? digits.reduce(0) { $0 * 10 + Int($1 - 48) } : nil
    }
    guard let year = number(0, 4), bytes[4] == 45, let month = number(5, 2), bytes[7] == 45, let day = number(8, 2),
      bytes[10] | 32 == UInt8(ascii: "t"), let hour = number(11, 2), bytes[13] == 58, let minute = number(14, 2),
      bytes[16] == 58, let second = number(17, 2), year >= 1, (1...12).contains(month),
      day >= 1, day <= CivilTime.length(ofMonth: month, year: year), hour < 24, minute < 60, second < 60
    else { return nil }
    var at = 19
    var nanoseconds: Int64 = 0
    if bytes[at] == UInt8(ascii: ".") {
      let digits = bytes[(at + 1)...].prefix(while: isDigit)
      guard (1...9).contains(digits.count) else { return nil }
      nanoseconds = digits.reduce(Int64(0)) { $0 * 10 + Int64($1 - 48) }
      for _ in digits.count..<9 { nanoseconds *= 10 }
      at += 1 + digits.count
    }
    guard at < bytes.count, let offset = zone(bytes[at...]) else { return nil }
    let seconds =
      CivilTime.days(year: year, month: month, day: day) * 86_400 + Int64(hour * 3600 + minute * 60 + second)
    return CELTimestamp(sinceEpoch: .seconds(seconds - offset) + .nanoseconds(nanoseconds))
  }

  /// Parses the zone argument of a time getter: `UTC`, `±HH:MM` or `HH:MM`. Seconds ahead of UTC; nil otherwise.
  static func zone(named text: String) -> Int64? {
    if text == "UTC" { return 0 }
    let bytes = Array(text.utf8)
    return zone(bytes[...]) ?? (bytes.count == 5 ? zone(([UInt8(ascii: "+")] + bytes)[...]) : nil)
  }

  /// Parses `Z` and `±HH:MM`. Seconds ahead of UTC; nil otherwise.
  static func zone(_ text: ArraySlice<UInt8>) -> Int64? {
    let bytes = Array(text)
    if bytes == [UInt8(ascii: "Z")] || bytes == [UInt8(ascii: "z")] { return 0 }
    guard bytes.count == 6, bytes[0] == UInt8(ascii: "+") || bytes[0] == UInt8(ascii: "-"),
      bytes[3] == UInt8(ascii: ":"), [1, 2, 4, 5].allSatisfy({ isDigit(bytes[$0]) })
    else { return nil }
    let hours = Int64(bytes[1] - 48) * 10 + Int64(bytes[2] - 48)
    let minutes = Int64(bytes[4] - 48) * 10 + Int64(bytes[5] - 48)
    guard hours < 24, minutes < 60 else { return nil }
    return (bytes[0] == UInt8(ascii: "-") ? -1 : 1) * (hours * 3600 + minutes * 60)
  }

  static func timestamp(_ time: CELTimestamp) -> String {
    let civil = CivilTime(seconds: time.seconds)
    func padded(_ number: Int, _ width: Int) -> String {
      let digits = "\(number)"
      return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
    return "\(padded(civil.year, 4))-\(padded(civil.month, 2))-\(padded(civil.day, 2))T"
      + "\(padded(civil.hour, 2)):\(padded(civil.minute, 2)):\(padded(civil.second, 2))"
      + decimals(UInt64(time.nanoseconds)) + "Z"
  }

  private static func decimals(_ nanoseconds: UInt64) -> String {
    guard nanoseconds > 0 else { return "" }
    var digits = "\(nanoseconds)"
    digits = String(repeating: "0", count: 9 - digits.count) + digits
    while digits.last == "0" { digits.removeLast() }
    return "." + digits
  }

  private static func isDigit(_ byte: UInt8) -> Bool { byte >= 48 && byte <= 57 }
}
