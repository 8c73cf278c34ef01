import Doctor
import Model

/// The output of `doctor`.
package enum DoctorText {
  /// A heading for each area, a line for each finding, its remedy below it, and the sum.
  package static func lines(_ findings: [Finding], colour: Bool) -> [String] {
    var lines: [String] = []
    for area in Finding.Area.allCases {
      let own = findings.filter { $0.area == area }
      guard !own.isEmpty else { continue }
      lines.append(Paint.bold(area.rawValue, colour))
      for finding in own {
        let word = finding.level.rawValue
        let gap = String(repeating: " ", count: 9 - word.count)
        let label =
          switch finding.level {
          case .ok: Paint.green(word, colour)
          case .note: Paint.yellow(word, colour)
          case .problem: Paint.red(word, colour)
          }
        lines.append("  \(label)\(gap)\(finding.text.printable)")
        if let remedy = finding.remedy { lines.append("           \(Paint.faint("→", colour)) \(remedy.printable)") }
      }
    }
    lines.append("\(count(.problem, findings)), \(count(.note, findings))")
    return lines
  }

  /// `{"problems": N, "notes": N, "findings": [{"area", "level", "text", "remedy"}]}`.
  package static func document(_ findings: [Finding]) -> Value {
    [
      "problems": .int(Int64(findings.count { $0.level == .problem })),
      "notes": .int(Int64(findings.count { $0.level == .note })), "findings": .list(findings.map { .map($0.fields) }),
    ]
  }

  private static func count(_ level: Finding.Level, _ findings: [Finding]) -> String {
    let number = findings.count { $0.level == level }
    return "\(number == 0 ? "no" : "\(number)") \(level.rawValue)\(number == 1 ? "" : "s")"
  }
}
