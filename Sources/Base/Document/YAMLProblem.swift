import CYAML
import Model

/// A syntax error of libyaml, to be reworded.
struct YAMLProblem: Error {
  /// libyaml's message; nil when memory ran out.
  private var text: String?
  /// Where the error is, in characters from the text's start.
  private var index = 0
  /// Where the construct with the error begins, in characters; nil when libyaml does not say.
  private var startIndex: Int?
  /// The offset of a byte that YAML does not allow, for reader errors only.
  private var offset: Int?

  /// Out of memory.
  static let memory = YAMLProblem(text: nil)

  private init(text: String?) { self.text = text }

  init(_ parser: yaml_parser_t) {
    guard unsafe parser.error != YAML_MEMORY_ERROR, let problem = unsafe parser.problem else { return }
    // SAFETY: libyaml's messages are constants that end with a NUL.
    text = unsafe String(cString: problem)
    if unsafe parser.error == YAML_READER_ERROR {
      offset = unsafe Int(parser.problem_offset)
      return
    }
    index = unsafe Int(parser.problem_mark.index)
    startIndex = unsafe parser.context == nil ? nil : Int(parser.context_mark.index)
  }

  /// The problem as a diagnostic.
  /// - Parameter bytes: the text that was parsed.
  func diagnostic(in bytes: [UInt8], file: String) -> Diagnostic {
    guard let text else { return Diagnostic(Location(file: file), "there is not enough memory to read it") }
    func place(_ offset: Int) -> Location { TextPlace.location(of: offset, in: bytes, file: file) }
    if let offset { return Diagnostic(place(offset), "YAML allows no control characters") }
    let offset = TextPlace.offset(ofCharacter: index, in: bytes)
    if let tab = tab(near: offset, in: bytes, text) {
      return Diagnostic(place(tab), "YAML does not allow a tab here; indent with spaces")
    }
    let start = place(startIndex.map { TextPlace.offset(ofCharacter: $0, in: bytes) } ?? offset)
    switch text {
    case "found unexpected end of stream", "found unexpected document indicator":
      return Diagnostic(start, "the quoted text that begins here has no closing quote")
    case "could not find expected ':'": return Diagnostic(start, "expected ':' after this key")
    case "did not find expected whitespace or line break", "did not find expected tag URI", "did not find expected '!'",
      "did not find URI escaped octet",
      "did not find the expected '>'", "found an incorrect leading UTF-8 octet",
      "found an incorrect trailing UTF-8 octet":
      return Diagnostic(start, "this is not a valid tag; put text that begins with '!' in quotes")
    default:
      let character = String(decoding: bytes[offset...].prefix(4), as: UTF8.self).unicodeScalars.first
      return Diagnostic(place(offset), message(text, start, character))
    }
  }

  /// The offset of a tab that caused the error: in the line's indentation, or where libyaml stopped; nil for none.
  private func tab(near offset: Int, in bytes: [UInt8], _ text: String) -> Int? {
    let tab = UInt8(ascii: "\t")
    let lineStart = (bytes[..<offset].lastIndex { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") } ?? -1) + 1
    let indentation = bytes[lineStart...].prefix { $0 == UInt8(ascii: " ") || $0 == tab }
    return indentation.firstIndex(of: tab)
      ?? (text.holds("tab") || bytes[offset...].first == tab ? offset : nil)
  }

  private func message(_ text: String, _ start: Location, _ character: Unicode.Scalar?) -> String {
    let found = character.map { ", found \(String($0).quotedForMessage)" } ?? ", found the end of the text"
    let begun = "that begins at line \(start.line), column \(start.column)"
    switch text {
    case "found character that cannot start any token":
      return "text cannot begin with \(character.map { String($0).quotedForMessage } ?? "this"); put it in quotes"
    case "mapping values are not allowed in this context":
      return "a ':' is not allowed here; check the indentation, and put text that contains ': ' in quotes"
    case "block sequence entries are not allowed in this context":
      return "a list item is not allowed here; put it on a line of its own"
    case "mapping keys are not allowed in this context": return "a key that begins with '?' is not allowed here"
    case "did not find expected key":
      return "expected a key of the map \(begun); check the indentation and the quotes"
    case "did not find expected '-' indicator":
      return "expected a '-' of the list \(begun); check the indentation"
    case "did not find expected ',' or ']'": return "expected ',' or ']' in the list \(begun)\(found)"
    case "did not find expected ',' or '}'": return "expected ',' or '}' in the map \(begun)\(found)"
    case "did not find expected node content": return "expected a value\(found)"
    case "did not find expected <document start>":
      return "expected the end of the document after its value; check the indentation and the quotes"
    case "found unknown escape character":
      return "unknown escape in double quotes; write \\\\ for a backslash, or use single quotes"
    case "did not find expected hexdecimal number": return "expected hexadecimal digits after \\x, \\u or \\U"
    case "found invalid Unicode character escape code": return "this escape is not a Unicode character"
    case "did not find expected alphabetic or numeric character":
      return "expected a name after '&' or '*'; put text that begins with them in quotes"
    case "found unexpected ':'": return "text inside brackets must not contain ':'; put it in quotes"
    case "found undefined tag handle": return "the tag is unknown; put text that begins with '!' in quotes"
    case "found incompatible YAML document": return "expected YAML 1.1 or 1.2"
    case "found an indentation indicator equal to 0", "did not find expected comment or line break":
      return "expected a line end here"
    case "found unknown directive name", "could not find expected directive name",
      "found unexpected non-alphabetical character", "did not find expected digit or '.' character",
      "did not find expected version number", "found extremely long version number", "did not find expected whitespace",
      "found duplicate %YAML directive", "found duplicate %TAG directive":
      return "expected '%YAML 1.2' or nothing; put text that begins with '%' in quotes"
    default: return "this is not YAML: \(text)"
    }
  }
}
