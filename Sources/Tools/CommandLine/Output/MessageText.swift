import Model

/// The output of `messages`.
package enum MessageText {
  /// A line for each message, oldest first.
  /// - Parameters:
  ///   - messages: the result of `messages.list`.
  ///   - utcOffset: seconds that local time is ahead of UTC at a time in milliseconds since 1970.
  package static func lines(_ messages: [Value], colour: Bool, utcOffset: (UInt64) -> Int) -> [String] {
    if messages.isEmpty { return ["no messages"] }
    return messages.map { message in
      let milliseconds = UInt64(clamping: message["time"]?.int ?? 0)
      let time = DateText.text(milliseconds: milliseconds, utcOffset: utcOffset(milliseconds))
      let rule = message["rule"]?.string?.printable ?? "-"
      let to = message["to"]?.string.map { "to \($0.printable): " } ?? ""
      let picture = message["picture"]?.string.map { " (picture: \($0.printable))" } ?? ""
      return
        "\(Paint.faint(time, colour))  \(Paint.bold(rule, colour))  \(to)\(message["text"]?.string?.printable ?? "")\(picture)"
    }
  }
}
