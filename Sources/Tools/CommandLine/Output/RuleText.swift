import CEL
import Linux
import Model

/// The output of `rules`: rules and verdicts (`docs/control.md`, 4.8).
package enum RuleText {
  /// The output of `rules list`: a table of rules, followed by their last errors.
  package static func table(_ rules: [Value]) -> [String] {
    var table = Table(["RULE", "STATE", "ON", "IF", "ACTION", "FIRED", "FAILED", "LAST"], rightAligned: [5, 6, 7])
    for rule in rules {
      let actions = rule["actions"]?.list?.compactMap(\.string).joined(separator: "; ") ?? ""
      let last = rule["last_fired_ms_ago"]?.int.map { "\(Span.text(.milliseconds($0))) ago" } ?? ""
      table.add([
        rule["rule"]?.string ?? "", state(rule), rule["trigger"]?.string ?? "", rule["condition"]?.string ?? "",
        actions,
        rule["fired"]?.text() ?? "", rule["failed"]?.text() ?? "", last,
      ])
    }
    let errors = rules.compactMap { rule -> String? in
      guard let error = rule["last_error"]?.string ?? rule["unknown"]?.string else { return nil }
      let place = rule["location"]?.string.map { "\($0.printable): " } ?? ""
      return "\(place)rule \(rule["rule"]?.string?.printable ?? "-"): \(error.printable)"
    }
    return table.lines + errors
  }

  /// A rule's state in a few words: `lasting 5m, held`, `disabled`, `next 03:00`.
  private static func state(_ rule: Value) -> String {
    let state = stateAlone(rule)
    guard rule["shadow"]?.bool == true else { return state }
    return state.isEmpty ? "shadow" : "shadow, \(state)"
  }

  private static func stateAlone(_ rule: Value) -> String {
    if rule["enabled"]?.bool == false { return "disabled" }
    guard let state = rule["state"]?.string else {
      guard let next = rule["next_ms"]?.int else { return "" }
      return "next \(moment(UInt64(clamping: next)))"
    }
    let time = rule["state_ms"]?.int.map { " \(Span.text(.milliseconds($0)))" } ?? ""
    return state + time + (rule["claim"]?.string.map { ", \($0)" } ?? "")
  }

  /// `12-01 03:00`, in local time.
  private static func moment(_ milliseconds: UInt64) -> String {
    let civil = CivilTime(seconds: Int64(milliseconds / 1000) + Int64(LocalTime.utcOffset(at: milliseconds)))
    func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    return "\(two(civil.month))-\(two(civil.day)) \(two(civil.hour)):\(two(civil.minute))"
  }

  /// The output of `rules explain`: the rule's state, its conditions part by part, and what would have to change.
  package static func explanation(_ result: Value, colour: Bool) -> [String] {
    let rule = result["rule"] ?? .null
    let state = state(rule)
    var lines = ["\(rule["rule"]?.string?.printable ?? "-")\(state.isEmpty ? "" : ": \(state)")"]
    let parts = result["parts"]?.list ?? []
    let width = parts.map { $0["key"]?.string?.count ?? 0 }.max() ?? 0
    let texts = parts.map { part in
      String(repeating: "  ", count: Int(part["depth"]?.int ?? 0)) + (part["text"]?.string?.printable ?? "")
    }
    let textWidth = min(60, texts.map(\.count).max() ?? 0)
    for (part, text) in zip(parts, texts) {
      let key = part["key"]?.string?.printable ?? ""
      let truth = part["result"]?.string?.printable ?? ""
      let shown =
        truth == "true"
        ? Paint.green(truth, colour) : truth == "false" ? Paint.faint(truth, colour) : Paint.yellow(truth, colour)
      let values = part["values"]?.string.flatMap { $0.isEmpty ? nil : "  \($0.printable)" } ?? ""
      lines.append(
        "  " + key + String(repeating: " ", count: width - key.count + 2) + text
          + String(repeating: " ", count: max(0, textWidth - text.count) + 2) + shown + values)
    }
    let changes = result["changes"]?.list?.compactMap(\.string) ?? []
    // One that lasts and has not got its outputs waits for something else than its end.
    let isHeld = rule["claim"]?.string.map { $0 == "held" } ?? true
    let lasts = isHeld && ["lasting", "lingering"].contains(rule["state"]?.string ?? "")
    if !changes.isEmpty { lines.append(lasts ? "it would end if one of these changed:" : "to act:") }
    lines += changes.map { "  \($0.printable)" }
    if let error = rule["last_error"]?.string { lines.append("last error: \(error.printable)") }
    return lines
  }

  /// The output of `rules test`: a line for each rule, such as `hot  fires  condition is true`.
  /// - Parameter type: the tested event's name or id, for the message that no rule matches.
  package static func verdicts(_ verdicts: [Value], type: String, colour: Bool) -> [String] {
    guard !verdicts.isEmpty else { return ["no rule listens to \(type.printable)"] }
    let width = verdicts.map { $0["rule"]?.string?.printable.count ?? 1 }.max() ?? 0
    return verdicts.map { verdict in
      let rule = verdict["rule"]?.string?.printable ?? "-"
      let gap = String(repeating: " ", count: width - rule.count)
      let fires = verdict["fires"]?.bool == true ? Paint.green("fires  ", colour) : Paint.faint("silent ", colour)
      return "\(rule)\(gap)  \(fires)  \(verdict["reason"]?.string?.printable ?? "")"
    }
  }
}
