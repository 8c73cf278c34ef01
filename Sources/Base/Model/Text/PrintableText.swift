extension StringProtocol {
  /// The text with everything escaped that a terminal interprets: control characters as `\n`, `\t`, `\u{1b}`, and also
  /// bidirectional formatting characters (Unicode 16, UAX #9) and line separators.
  ///
  /// Text from outside must pass through this before it is shown, so that no payload can move the cursor.
  package var printable: String {
    guard unicodeScalars.contains(where: Self.isUnsafe) else { return String(self) }
    var result = ""
    for scalar in unicodeScalars {
      switch scalar {
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      case _ where Self.isUnsafe(scalar): result += "\\u{\(String(scalar.value, radix: 16))}"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// The text as an error message: ``printable`` and cut to 2 KiB, so that quoted text can neither control a terminal
  /// nor fill a log.
  package var asMessage: String {
    let text = printable
    let limit = 2048
    guard text.utf8.count > limit else { return text }
    var cut = ""
    for scalar in text.unicodeScalars {
      if cut.utf8.count > limit - 8 { break }
      cut.unicodeScalars.append(scalar)
    }
    return cut + "…"
  }

  /// JSON text with everything that a terminal interprets escaped as `\u009b` and so on; the value stays the same. In
  /// JSON such characters occur only inside strings, where ASCII control characters are already escaped.
  package var printableJSON: String {
    guard unicodeScalars.contains(where: Self.isUnsafe) else { return String(self) }
    var result = ""
    for scalar in unicodeScalars {
      guard Self.isUnsafe(scalar), scalar != "\n" else {
        result.unicodeScalars.append(scalar)
        continue
      }
      let digits = String(scalar.value, radix: 16)
      result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
    }
    return result
  }

  /// The text with every line ``printable``; only the newlines between them are kept.
  package var printableLines: String {
    guard unicodeScalars.contains(where: { $0 != "\n" && Self.isUnsafe($0) }) else { return String(self) }
    return String(self).unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false)
      .map { Substring($0).printable }.joined(separator: "\n")
  }

  /// Lines for a terminal: everything that it interprets is escaped, except newlines, tabs and the colours of `Paint`.
  ///
  /// A second line of defence: text from outside is already `printable` when it becomes part of a line.
  package var forTerminal: String {
    guard unicodeScalars.contains(where: Self.isUnsafe) else { return String(self) }
    var result = ""
    var rest = String(self).unicodeScalars[...]
    while let scalar = rest.popFirst() {
      if scalar == "\n" || scalar == "\t" || !Self.isUnsafe(scalar) {
        result.unicodeScalars.append(scalar)
        continue
      }
      let sequence = rest.first == "[" ? rest.dropFirst().prefix { ("0"..."9").contains($0) } : rest.prefix(0)
      if scalar == "\u{1B}", rest.first == "[", sequence.count <= 2, rest[sequence.endIndex...].first == "m" {
        result += "\u{1B}[\(Substring(sequence))m"
        rest = rest[sequence.endIndex...].dropFirst()
      } else {
        result += String(Character(scalar)).printable
      }
    }
    return result
  }

  private static func isUnsafe(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x00...0x1F, 0x7F...0x9F: true
    case 0x061C, 0x200E, 0x200F, 0x202A...0x202E, 0x2066...0x2069, 0x2028, 0x2029, 0xFEFF: true
    default: false
    }
  }
}

extension Value {
  /// The value for people, on one line: plain words unquoted, other text in quotation marks, lists and maps in
  /// brackets. Long values are cut and end with `…`.
  /// - Parameter limit: the most characters.
  package func text(limit: Int = 80) -> String {
    var result = ""
    append(to: &result, limit: limit)
    return result.count > limit ? result.prefix(max(0, limit - 1)) + "…" : result
  }

  private func append(to text: inout String, limit: Int) {
    // Stop early: the rest is cut off anyway, and a payload can be huge.
    guard text.utf8.count <= limit * 4 else { return }
    switch self {
    case .null: text += "null"
    case .bool(let value): text += value ? "true" : "false"
    case .int(let value): text += "\(value)"
    case .double(let value): text += value.text
    case .string(let value): text += Self.word(value, limit: limit)
    case .bytes(let bytes): text += "<\(bytes.count) bytes>"
    case .list(let values):
      text += "["
      for (index, value) in values.prefix(limit).enumerated() {
        if index > 0 { text += ", " }
        value.append(to: &text, limit: limit)
      }
      text += "]"
    case .map(let fields):
      text += "{"
      for (index, field) in fields.prefix(limit).enumerated() {
        if index > 0 { text += ", " }
        text += "\(Self.word(field.key, limit: limit)): "
        field.value.append(to: &text, limit: limit)
      }
      text += "}"
    }
  }

  private static func word(_ text: String, limit: Int) -> String {
    let short = text.utf8.count > limit * 8 ? String(text.prefix(limit + 1)) : text
    let isPlain =
      !short.isEmpty
      && short.unicodeScalars.allSatisfy { scalar in
        scalar.properties.isAlphabetic || scalar.properties.numericType != nil
          || "._-/:@+%°#~".unicodeScalars.contains(scalar)
      }
    if isPlain { return short.printable }
    let quoted = short.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\\\"")
    return "\"\(quoted.printable)\""
  }
}
