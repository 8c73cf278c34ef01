import Model

/// The output of `rules`: rules and verdicts (`docs/control.md`, 4.8).
package enum RuleText {
  /// The output of `rules list`: a table of rules, followed by their last errors.
  package static func table(_ rules: [Value]) -> [String] {
    var table = Table(["RULE", "ON", "IF", "ACTION", "FIRED", "FAILED", "LAST"], rightAligned: [4, 5, 6])
    for rule in rules {
      let actions = rule["actions"]?.list?.compactMap(\.string).joined(separator: "; ") ?? ""
      let last = rule["last_fired_ms_ago"]?.int.map { "\(Span.text(.milliseconds($0))) ago" } ?? ""
      table.add([
        rule["rule"]?.string ?? "", rule["trigger"]?.string ?? "", rule["condition"]?.string ?? "", actions,
        rule["fired"]?.text() ?? "", rule["failed"]?.text() ?? "", last,
      ])
    }
    let errors = rules.compactMap { rule -> String? in
      guard let error = rule["last_error"]?.string else { return nil }
      let place = rule["location"]?.string.map { "\($0.printable): " } ?? ""
      return "\(place)rule \(rule["rule"]?.string?.printable ?? "-"): \(error.printable)"
    }
    return table.lines + errors
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
