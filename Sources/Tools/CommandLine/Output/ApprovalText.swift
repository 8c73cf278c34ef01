import Model

/// The output for commands that wait for a person (`docs/control.md`, 4.19).
package enum ApprovalText {
  /// How much of an id is shown: enough to tell apart what waits.
  private static let shownOfID = 8

  /// The end of an id, with which 'approve' and 'deny' find it.
  package static func short(_ id: String) -> String { String(id.suffix(shownOfID)) }

  /// The output of `approvals`.
  package static func table(_ approvals: [Value]) -> [String] {
    if approvals.isEmpty { return ["nothing waits for approval"] }
    var table = Table(["ID", "COMMAND", "ASKED BY", "STATE", "MORE"])
    for approval in approvals {
      table.add([
        short(approval["approval"]?.string ?? ""), command(approval), approval["asker"]?.string ?? "",
        state(approval), more(approval),
      ])
    }
    return table.lines
  }

  /// `valve on for 10m`.
  package static func command(_ approval: Value) -> String {
    let device = approval["device"]?.string?.printable ?? "-"
    let level = approval["level"]?.double.map { ApprovalEvents.levelText($0) } ?? "-"
    if let pulse = approval["pulse_ms"]?.int {
      return "\(device) \(level) for a pulse of \(Duration.milliseconds(pulse).text)"
    }
    return "\(device) \(level)" + (approval["lease_ms"]?.int.map { " for \(Duration.milliseconds($0).text)" } ?? "")
  }

  private static func state(_ approval: Value) -> String {
    let state = approval["state"]?.string ?? "-"
    let left = approval["expires_ms"]?.int.map { ", \(Span.text(.milliseconds($0))) left" } ?? ""
    return state + left
  }

  private static func more(_ approval: Value) -> String {
    let reason = approval["reason"]?.string.map { "says: “\($0.cut(to: 200))”" }
    let by = approval["by"]?.string.map { "by \($0)" }
    let permit = approval["permitted_ms"]?.int.map { "may be repeated for \(Span.text(.milliseconds($0)))" }
    return [reason, by, approval["why"]?.string, permit].compactMap(\.self).joined(separator: "; ")
  }
}
