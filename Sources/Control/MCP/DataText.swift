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
