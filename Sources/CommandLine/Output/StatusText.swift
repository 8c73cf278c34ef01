import Model

/// `status`: the daemon at a glance.
public enum StatusText {
  /// The lines; what the daemon adds beyond the documented fields follows in its own words.
  /// - Parameter status: the result of `daemon.status`.
  public static func lines(_ status: Value, colour: Bool) -> [String] {
    var head = "openstarryd \(status["version"]?.text() ?? "?")"
    if let pid = status["pid"]?.int { head += ", pid \(pid)" }
    if let uptime = status["uptime_ms"]?.int { head += ", up \(Span.text(.milliseconds(uptime)))" }
    var lines = [Paint.bold(head, colour)]
    let rest = status.map?.filter { !["version", "pid", "uptime_ms"].contains($0.key) } ?? []
    let width = rest.map(\.key.count).max() ?? 0
    for (key, value) in rest {
      let name = key.printable
      let label = Paint.faint(name, colour) + String(repeating: " ", count: max(0, width - name.count))
      let text: String =
        switch value {
        case .map(let fields): EventSentence.fields(fields)
        case .string(let text): text.printable
        default: value.text(limit: 200)
        }
      lines.append("\(label)  \(text)")
    }
    return lines
  }
}
