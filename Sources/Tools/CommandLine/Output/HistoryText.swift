import Model

/// The output of `history`: the restart ledger.
package enum HistoryText {
  /// A line for each entry, and a line before the first entry of each boot.
  /// - Parameters:
  ///   - entries: the result of `daemon.history`, oldest first (4.14).
  ///   - utcOffset: seconds that local time is ahead of UTC at a time in milliseconds since 1970.
  package static func lines(_ entries: [Value], colour: Bool, utcOffset: (UInt64) -> Int) -> [String] {
    let width = entries.map { subject($0).count }.max() ?? 0
    let reasons = entries.map { ($0["reason"]?.string?.printable ?? "-").count }.max() ?? 0
    var lines: [String] = []
    var boot: String?
    for entry in entries {
      let current = entry["boot"]?.string ?? ""
      if current != boot, !current.isEmpty {
        lines.append(Paint.faint("boot \(String(current.prefix(8)).printable)", colour))
      }
      boot = current
      let milliseconds = UInt64(clamping: entry["time"]?.int ?? 0)
      let time = DateText.text(milliseconds: milliseconds, utcOffset: utcOffset(milliseconds))
      let subject = padded(subject(entry), width)
      let reason = padded(entry["reason"]?.string?.printable ?? "-", reasons)
      let details = details(entry)
      lines.append(
        "\(Paint.faint(time, colour))  \(subject)  \(Paint.bold(reason, colour))"
          + (details.isEmpty ? "" : "  \(details)"))
    }
    return lines
  }

  private static func subject(_ entry: Value) -> String {
    (entry["agent"]?.string ?? "(\(entry["scope"]?.string ?? "-"))").printable
  }

  private static func details(_ entry: Value) -> String {
    var text = entry["message"]?.string?.printable ?? ""
    var rest: [String] = []
    if let signal = entry["signal"]?.int { rest.append("signal \(signal)") }
    if let budget = entry["budget"]?.map, let name = budget["budget"]?.string {
      rest.append("\(name.printable): \(BudgetText.share(budget))")
    }
    if let type = entry["event_type"]?.string {
      let id = entry["event"]?.string.map { " \($0.printable)" } ?? ""
      rest.append("last event \(type.printable)\(id)")
    }
    if let uptime = entry["uptime_ms"]?.int { rest.append("board up \(Span.text(.milliseconds(uptime)))") }
    if !rest.isEmpty { text += "\(text.isEmpty ? "" : " ")(\(rest.joined(separator: "; ")))" }
    return text
  }

  private static func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }
}

/// Dates in tables.
package enum DateText {
  /// `2026-11-22 14:03:21`, in the Gregorian calendar.
  /// - Parameters:
  ///   - milliseconds: since 1970.
  ///   - utcOffset: seconds that local time is ahead of UTC.
  package static func text(milliseconds: UInt64, utcOffset: Int) -> String {
    let seconds = Int(milliseconds / 1000) + utcOffset
    var day = (seconds - ((seconds % 86_400) + 86_400) % 86_400) / 86_400
    var year = 1970
    while day >= length(year) {
      day -= length(year)
      year += 1
    }
    while day < 0 {
      year -= 1
      day += length(year)
    }
    var month = 0
    let months = [31, isLeap(year) ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    while day >= months[month] {
      day -= months[month]
      month += 1
    }
    let time = EventLine.timeOfDay(milliseconds: milliseconds, utcOffset: utcOffset).prefix(8)
    return "\(year)-\(two(month + 1))-\(two(day + 1)) \(time)"
  }

  private static func length(_ year: Int) -> Int { isLeap(year) ? 366 : 365 }

  private static func isLeap(_ year: Int) -> Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }

  private static func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
