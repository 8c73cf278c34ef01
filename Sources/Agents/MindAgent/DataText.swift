import OpenStarryAgent

/// What others have written, as the model gets it: JSON between `<data>` and `</data>`, on one line.
///
/// Within the markers there is neither `<` nor `>`, no line break and no character that cannot be seen, so that no
/// text from a board file, an event or a file can end its block or pass for a message of its own.
enum DataText {
  static let begin = "<data>"
  static let end = "</data>"

  /// - Parameter limit: the most bytes of JSON. A longer value becomes the beginning of its text, as `cut`.
  static func block(_ value: Value, limit: Int = 4096) -> String {
    var text = json(value)
    var room = limit
    while text.utf8.count > limit {
      room /= 2
      let whole = String(decoding: JSONText.write(value), as: UTF8.self)
      text = json(["cut": .string(whole.bounded(room)), "bytes": .int(Int64(whole.utf8.count))])
      if room < 8 { break }
    }
    return begin + text + end
  }

  /// JSON in which `<`, `>` and hidden characters are escaped (RFC 8259 section 7). They occur only within its strings.
  private static func json(_ value: Value) -> String {
    var text = String.UnicodeScalarView()
    for scalar in String(decoding: JSONText.write(value), as: UTF8.self).unicodeScalars {
      if isPlain(scalar) {
        text.append(scalar)
      } else {
        for unit in String(scalar).utf16 { text.append(contentsOf: escape(unit).unicodeScalars) }
      }
    }
    return String(text)
  }

  private static func escape(_ unit: UInt16) -> String {
    let digits = String(unit, radix: 16)
    return "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
  }

  /// Whether a person would see it (Unicode 16: general categories Cc, Cf, Zl, Zp, and the variation selectors).
  private static func isPlain(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x3C, 0x3E: false
    case 0x20...0x7E: true
    case 0x7F...0x9F, 0xAD, 0x600...0x605, 0x61C, 0x6DD, 0x70F, 0x180B...0x180F, 0x200B...0x200F: false
    case 0x2028...0x202E, 0x2060...0x206F, 0xFE00...0xFE0F, 0xFEFF, 0xFFF0...0xFFFB, 0xE0000...0xE0FFF: false
    default: true
    }
  }
}

extension String {
  /// Its beginning, at most `limit` bytes, which ends with `…` where something is left out.
  func bounded(_ limit: Int) -> String {
    if utf8.count <= limit { return self }
    var end = utf8.index(utf8.startIndex, offsetBy: max(0, limit - 3))
    // Not within a character's bytes.
    while end > utf8.startIndex, utf8[end] & 0xC0 == 0x80 { utf8.formIndex(before: &end) }
    return String(self[..<end]) + "…"
  }
}
