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

  /// The bytes of a value's JSON in a block.
  static func size(_ value: Value) -> Int { json(value).utf8.count }

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

  /// Whether a person would see it, and it is not one of the markers'. Unassigned characters may be hidden ones of a later
  /// version of Unicode.
  private static func isPlain(_ scalar: Unicode.Scalar) -> Bool {
    if scalar.isASCII { return (0x20..<0x7F).contains(scalar.value) && scalar != "<" && scalar != ">" }
    if scalar.properties.isDefaultIgnorableCodePoint { return false }
    return switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned, .surrogate: false
    default: true
    }
  }
}

extension String {
  /// Its beginning, at most `limit` bytes, which ends with `…` where something is left out.
  func bounded(_ limit: Int) -> String {
    utf8.count <= limit ? self : beginning(max(0, limit - 3)) + "…"
  }

  /// Its first whole characters of UTF-8, at most `limit` bytes.
  func beginning(_ limit: Int) -> String {
    guard var end = utf8.index(utf8.startIndex, offsetBy: limit, limitedBy: utf8.endIndex), end < utf8.endIndex else {
      return self
    }
    while end > utf8.startIndex, utf8[end] & 0xC0 == 0x80 { utf8.formIndex(before: &end) }
    return String(self[..<end])
  }
}
