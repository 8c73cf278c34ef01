import Model

/// The output about language models (`docs/control.md`, 4.16 and 4.17).
package enum TokenTable {
  /// The output of `tokens`.
  /// - Parameter grouping: the name of the first column.
  package static func lines(_ result: Value, by grouping: String, utcOffset: (UInt64) -> Int) -> [String] {
    let rows = result["rows"]?.list ?? []
    guard !rows.isEmpty else { return ["no model was asked in the last \(result["days"]?.int ?? 31) days"] }
    let hasMoney = rows.contains { ($0["money"]?.double ?? 0) > 0 }
    let hasUnknown = rows.contains { ($0["unreported_tokens"]?.int ?? 0) > 0 }
    var titles = [grouping.uppercased(), "CALLS", "PROMPT", "ANSWER"]
    if hasUnknown { titles.append("UNREPORTED") }
    titles.append("TOKENS")
    if hasMoney { titles.append("MONEY") }
    var table = Table(titles, rightAligned: Set(1..<titles.count))
    for row in rows {
      func count(_ name: String) -> Int64 { row[name]?.int ?? 0 }
      var cells = [
        row[grouping]?.string ?? "-", "\(count("calls"))", "\(count("prompt_tokens"))", "\(count("answer_tokens"))",
      ]
      if hasUnknown { cells.append("\(count("unreported_tokens"))") }
      cells.append("\(count("prompt_tokens") + count("answer_tokens") + count("unreported_tokens"))")
      if hasMoney { cells.append((row["money"]?.double ?? 0).text) }
      table.add(cells)
    }
    let gaps = result["gaps"]?.list ?? []
    return table.lines
      + (gaps.isEmpty
        ? [] : ["\(gaps.count) power cut(s): calls shortly before may be missing above; budgets lack none"])
  }

  /// The output of `models`.
  package static func models(_ result: Value) -> [String] {
    let models = result["models"]?.list ?? []
    let notStored = result["not_stored"]?.string.map { ["no model can be asked: \($0.printable)"] } ?? []
    guard !models.isEmpty else { return ["none: 'models' in openstarry.yaml lists them"] + notStored }
    var table = Table(["MODEL", "URL", "CALLS", "FAILURES", "STATE"], rightAligned: [2, 3])
    for model in models {
      let rest = model["rests_ms"]?.int.map { "left alone for \(Duration.milliseconds($0).text): " } ?? ""
      let place = model["from"]?.string == "manifest" ? " (of a manifest)" : ""
      table.add([
        (model["model"]?.string ?? "-") + place, model["url"]?.string ?? "-", "\(model["calls"]?.int ?? 0)",
        "\(model["failures"]?.int ?? 0)", model["last_failure"]?.string.map { rest + $0 } ?? "",
      ])
    }
    return table.lines + notStored
  }
}
