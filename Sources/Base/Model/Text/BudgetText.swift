import OpenStarryAgent

/// What is used of a budget, as people read it.
public enum BudgetText {
  /// An amount in the unit of a budget: `ns`, `bytes`, or `count`.
  public static func amount(_ amount: Int64, unit: String) -> String {
    switch unit {
    case "ns": Duration.nanoseconds(amount).text
    case "bytes": EventSentence.byteCount(amount)
    default: "\(amount)"
    }
  }

  /// `820ms of 1s in 10s`, `12 of 20 in 1s`, `3 KiB`.
  /// - Parameter budget: with `used`, `limit`, `unit` and `window_ms`, as events and the control plane have it; what is
  ///   missing is left out.
  public static func share(_ budget: Fields) -> String {
    let unit = budget["unit"]?.string ?? "count"
    var text = amount(budget["used"]?.int ?? 0, unit: unit)
    if let limit = budget["limit"]?.int { text += " of \(amount(limit, unit: unit))" }
    if let window = budget["window_ms"]?.int { text += " in \(Duration.milliseconds(window).text)" }
    if let refused = budget["refused"]?.int, refused > 0 { text += ", \(amount(refused, unit: unit)) refused" }
    return text
  }

  /// `82%`; nil without a limit.
  public static func percent(_ budget: Fields) -> String? {
    guard let used = budget["used"]?.int, let limit = budget["limit"]?.int, limit > 0 else { return nil }
    return "\(Int64((Double(used) / Double(limit) * 100).rounded()))%"
  }
}
