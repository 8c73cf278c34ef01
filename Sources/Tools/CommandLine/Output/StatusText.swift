import Model

/// The output of `status`.
package enum StatusText {
  /// A heading, and one or more lines for each other field, known or not.
  /// - Parameter status: the result of `daemon.status`.
  package static func lines(_ status: Value, colour: Bool) -> [String] {
    var head = "openstarryd \(status["version"]?.text() ?? "?")"
    if let pid = status["pid"]?.int { head += ", pid \(pid)" }
    if let uptime = status["uptime_ms"]?.int { head += ", up \(Span.text(.milliseconds(uptime)))" }
    var lines = [Paint.bold(head, colour)]
    let rest = status.map?.filter { !["version", "pid", "uptime_ms"].contains($0.key) } ?? []
    let width = rest.map(\.key.count).max() ?? 0
    for (key, value) in rest {
      let name = key.printable
      let label = Paint.faint(name, colour) + String(repeating: " ", count: max(0, width - name.count))
      let margin = String(repeating: " ", count: width)
      for (index, text) in texts(value).enumerated() { lines.append("\(index == 0 ? label : margin)  \(text)") }
    }
    return lines
  }

  /// A value as one line; a map with long texts, such as the reasons for quarantines, as a line for each entry.
  private static func texts(_ value: Value) -> [String] {
    switch value {
    case .map(let fields) where fields.contains { $0.value.string.map { $0.utf8.count > 40 } ?? false }:
      fields.map { "\($0.key.printable): \(($0.value.string ?? $0.value.text(limit: 200)).printable)" }
    case .map(let fields): [EventSentence.fields(fields)]
    case .string(let text): [text.printable]
    default: [value.text(limit: 200)]
    }
  }
}
