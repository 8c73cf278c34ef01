/// Marks what others have written, as JSON between `<data>` and `</data>`, on one line.
///
/// Within the markers there is neither `<` nor `>`, no line break and no character that cannot be seen, so that no
/// text from a board file, an event or a server can end its block or pass for a message of its own.
package enum DataText {
  /// The marker before the data.
  package static let begin = "<data>"
  /// The marker after the data.
  package static let end = "</data>"

  /// A block.
  /// - Parameter json: one JSON value without line breaks between its tokens.
  package static func block(json: String) -> String { begin + escaped(json: json) + end }

  /// JSON with the same value, in which `<`, `>` and hidden characters are escaped (RFC 8259 section 7). They occur only
  /// within its strings.
  package static func escaped(json: String) -> String {
    if json.unicodeScalars.allSatisfy(isPlain) { return json }
    var text = String.UnicodeScalarView()
    for scalar in json.unicodeScalars {
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

  /// Whether a person would see it (Unicode 16: general categories Cc, Cf, Zl, Zp, and the variation selectors), and it
  /// is no part of a marker.
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
