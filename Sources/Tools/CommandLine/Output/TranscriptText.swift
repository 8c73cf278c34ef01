import Document
import Model

/// The output of `transcript` (`docs/control.md`, 4.18).
package enum TranscriptText {
  /// Each message with its role, the answer last.
  /// - Parameter utcOffset: seconds that local time is ahead of UTC at a moment in milliseconds since 1970.
  package static func lines(_ exchanges: [Value], colour: Bool, utcOffset: (UInt64) -> Int) -> [String] {
    guard !exchanges.isEmpty else { return ["no model was asked since the daemon started, or nothing is kept"] }
    return exchanges.flatMap { exchange -> [String] in
      let time = UInt64(clamping: exchange["time"]?.int ?? 0)
      let clock = EventLine.timeOfDay(milliseconds: time, utcOffset: utcOffset(time))
      let head =
        "\(clock)  \(exchange["agent"]?.string?.printable ?? "-") asks \(exchange["model"]?.string?.printable ?? "-")"
      var lines = [Paint.bold(head, colour)]
      if let left = exchange["left_out"]?.int, left > 0 {
        lines.append(Paint.faint("  (\(left) earlier message(s))", colour))
      }
      for message in exchange["messages"]?.list ?? [] { lines += said(message, colour) }
      lines += said(
        ["role": "answer", "content": exchange["text"] ?? "", "tool_calls": exchange["tool_calls"] ?? []], colour)
      return lines
    }
  }

  private static func said(_ message: Value, _ colour: Bool) -> [String] {
    let role = message["role"]?.string?.printable ?? "-"
    let text = (message["content"]?.string ?? "").printableLines.split(
      separator: "\n", omittingEmptySubsequences: false)
    var lines = text.filter { !$0.isEmpty }.map { "    \($0)" }
    for call in message["tool_calls"]?.list ?? [] {
      lines.append(
        "    asks for \(call["name"]?.string?.printable ?? "-") \(JSON.text(call["arguments"] ?? .null).printableJSON)")
    }
    if let pictures = message["pictures"]?.int { lines.append("    (\(pictures) picture(s))") }
    return lines.isEmpty ? [] : ["  \(Paint.faint(role, colour))"] + lines
  }
}
