import OpenStarryAgent

/// The use of a budget as readable text.
package enum BudgetText {
  /// Formats an amount: `820ms` for unit `ns`, `3 KiB` for `bytes`, `0.5` for `millionths` of money, the number for any other.
  package static func amount(_ amount: Int64, unit: String) -> String {
    switch unit {
    case "ns": Duration.nanoseconds(amount).text
    case "bytes": EventSentence.byteCount(amount)
    case "millionths": TokenLimit.text(amount, .money)
    default: "\(amount)"
    }
  }

  /// Formats the use: `820ms of 1s in 10s`, `12 of 20 in 1s`, `3 KiB`.
  /// - Parameter budget: the fields `used`, `limit`, `unit`, `window_ms` and `refused` of events and the control
  ///   protocol; missing ones are left out of the text.
  package static func share(_ budget: Fields) -> String {
    let unit = budget["unit"]?.string ?? "count"
    var text = amount(budget["used"]?.int ?? 0, unit: unit)
    if let limit = budget["limit"]?.int { text += " of \(amount(limit, unit: unit))" }
    if let window = budget["window_ms"]?.int { text += " in \(Duration.milliseconds(window).text)" }
    if let refused = budget["refused"]?.int, refused > 0 { text += ", \(amount(refused, unit: unit)) refused" }
    return text
  }

  /// The use in percent of the limit, such as `82%`; nil without a limit.
  package static func percent(_ budget: Fields) -> String? {
    guard let used = budget["used"]?.int, let limit = budget["limit"]?.int, limit > 0 else { return nil }
    return "\(Int64((Double(used) / Double(limit) * 100).rounded()))%"
  }
}
