/// Makes text from or about a guest safe for a log: one line, no control characters, bounded length.
enum LogText {
  /// - Parameter limit: bytes of UTF-8, after which the text is cut.
  static func text(_ text: String, limit: Int = 1000) -> String {
    var line = ""
    for scalar in text.unicodeScalars {
      if line.utf8.count >= limit { return line + "…" }
      let isControl =
        scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) || (0x2028...0x202E).contains(scalar.value)
      line.unicodeScalars.append(isControl ? " " : scalar)
    }
    return line
  }
}
