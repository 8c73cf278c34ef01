/// Parses numbers with suffixes in configuration files and commands.
package enum Quantity {
  /// Parses a duration such as `10s`, `1m30s`, `500ms`, `2h`, `1d`, `250us`; fractions are allowed (`1.5s`).
  /// - Returns: nil when it is malformed, negative, or longer than 100 years.
  package static func duration(_ text: String) -> Duration? {
    let units: [(String, Double)] = [
      ("ns", 1), ("us", 1e3), ("µs", 1e3), ("ms", 1e6), ("s", 1e9), ("m", 60e9), ("h", 3600e9), ("d", 86400e9),
    ]
    var rest = text[...]
    var total = 0.0
    guard !rest.isEmpty else { return nil }
    while !rest.isEmpty {
      guard let (number, after) = leadingNumber(rest) else { return nil }
      let unit = after.prefix { !$0.isNumber && $0 != "." }
      guard let scale = units.first(where: { $0.0 == unit })?.1 else { return nil }
      total += number * scale
      rest = after.dropFirst(unit.count)
    }
    guard total <= 100 * 365 * 86400e9 else { return nil }
    return .nanoseconds(Int64(total.rounded()))
  }

  /// Parses a number of bytes such as `4MiB`, `512KiB`, `1GiB`, `4MB`, `100B`, `1024`; nil when it is malformed.
  package static func bytes(_ text: String) -> Int? {
    let units: [(String, Double)] = [
      ("", 1), ("B", 1), ("KiB", 1024), ("MiB", 1_048_576), ("GiB", 1_073_741_824), ("kB", 1e3), ("KB", 1e3),
      ("MB", 1e6), ("GB", 1e9),
    ]
    guard let (number, unit) = leadingNumber(text[...]),
      let scale = units.first(where: { $0.0 == unit })?.1
    else { return nil }
    return Int(exactly: (number * scale).rounded())
  }

  /// Parses a percentage such as `10%` as a fraction (0.1); nil when it is malformed.
  package static func percent(_ text: String) -> Double? {
    guard let (number, unit) = leadingNumber(text[...]), unit == "%" else { return nil }
    return number / 100
  }

  /// Parses a whole number such as `20`, `10k`, `2.5M`; nil when it is malformed.
  package static func count(_ text: String) -> Int? {
    let scales: [Substring: Double] = ["": 1, "k": 1e3, "M": 1e6]
    // Counts must be whole; the tolerance is for decimals such as 2.3k.
    guard let (number, suffix) = leadingNumber(text[...]), let scale = scales[suffix],
      let count = Int(exactly: (number * scale).rounded()), abs(number * scale - Double(count)) < 1e-6
    else { return nil }
    return count
  }

  /// Parses a rate such as `20/s`, `10k/h`, `30/m`, `1/d`, `100/10s`; nil when it is malformed.
  package static func rate(_ text: String) -> Rate? {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, let count = count(String(parts[0])),
      let window = duration(parts[1].first?.isNumber == true ? String(parts[1]) : "1\(parts[1])"), window > .zero
    else { return nil }
    return Rate(count: count, per: window)
  }

  /// Parses a rate of bytes such as `64KiB/m`, `100MB/d`, `4096/10s`; nil when it is malformed.
  package static func byteRate(_ text: String) -> Rate? {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, let count = bytes(String(parts[0])),
      let window = duration(parts[1].first?.isNumber == true ? String(parts[1]) : "1\(parts[1])"), window > .zero
    else { return nil }
    return Rate(count: count, per: window)
  }

  private static func leadingNumber(_ text: Substring) -> (Double, Substring)? {
    let digits = text.prefix { ("0"..."9").contains($0) || $0 == "." }
    guard let number = Double(digits), number.isFinite else { return nil }
    return (number, text.dropFirst(digits.count))
  }
}

/// A limit of `count` within any window of length `per`.
package struct Rate: Sendable, Hashable, CustomStringConvertible {
  /// The largest count within the window.
  package var count: Int
  /// The length of the window.
  package var per: Duration

  /// A rate; `per` must be positive.
  package init(count: Int, per: Duration) {
    self.count = count
    self.per = per
  }

  /// For example `20/1s`.
  package var description: String { "\(count)/\(per.text)" }
}

extension Duration {
  /// The duration in the syntax of configuration files: `90ms`, `1.5s`, `10m`, `2h`. Uses the largest unit that is
  /// exact with two decimals; seconds and below are rounded.
  package var text: String {
    let nanoseconds = self.nanoseconds
    let units: [(Int64, String)] = [
      (86_400_000_000_000, "d"), (3_600_000_000_000, "h"), (60_000_000_000, "m"), (1_000_000_000, "s"),
      (1_000_000, "ms"), (1_000, "us"), (1, "ns"),
    ]
    guard nanoseconds != 0 else { return "0s" }
    for (size, name) in units where nanoseconds.magnitude >= UInt64(size) {
      let hundredths = (Double(nanoseconds) / Double(size) * 100).rounded()
      if Double(size) * hundredths / 100 == Double(nanoseconds) || size <= 1_000_000_000 {
        let value = hundredths / 100
        return value == value.rounded() ? "\(Int64(value))\(name)" : "\(value)\(name)"
      }
    }
    return "\(nanoseconds)ns"
  }
}
