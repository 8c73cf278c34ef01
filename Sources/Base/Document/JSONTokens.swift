import Model

/// A token of a JSON text: a string, a bracket or mark, or a run of anything else; empty at the end of the text.
struct JSONToken {
  var range: Range<Int>
  var line: Int
  var column: Int

  func location(in file: String) -> Location { Location(file: file, line: line, column: column) }
}

/// Splits a text into tokens; the text need not be valid JSON.
struct JSONTokens {
  let bytes: [UInt8]
  private var offset = 0
  private var line = 1
  private var column = 1

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// The next token; an empty one at the end of the text.
  mutating func next() -> JSONToken {
    while offset < bytes.count, Self.isSpace(bytes[offset]) { advance() }
    let (start, startLine, startColumn) = (offset, line, column)
    if offset < bytes.count {
      if bytes[offset] == UInt8(ascii: "\"") {
        skipString()
      } else if Self.isMark(bytes[offset]) {
        advance()
      } else {
        while offset < bytes.count, !Self.endsWord(bytes[offset]) { advance() }
      }
    }
    return JSONToken(range: start..<offset, line: startLine, column: startColumn)
  }

  private mutating func skipString() {
    advance()
    while offset < bytes.count, bytes[offset] != UInt8(ascii: "\"") {
      if bytes[offset] == UInt8(ascii: "\\"), offset + 1 < bytes.count { advance() }
      advance()
    }
    if offset < bytes.count { advance() }
  }

  private mutating func advance() {
    let byte = bytes[offset]
    offset += 1
    if byte == UInt8(ascii: "\n") || (byte == UInt8(ascii: "\r") && !isNewline(offset)) {
      line += 1
      column = 1
    } else if byte & 0xC0 != 0x80 {
      column += 1
    }
  }

  private func isNewline(_ index: Int) -> Bool { index < bytes.count && bytes[index] == UInt8(ascii: "\n") }

  private static func isSpace(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") || byte == UInt8(ascii: "\t")
  }

  private static func isMark(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "{"), UInt8(ascii: "}"), UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: ","),
      UInt8(ascii: ":"):
      true
    default: false
    }
  }

  private static func endsWord(_ byte: UInt8) -> Bool { isSpace(byte) || isMark(byte) || byte == UInt8(ascii: "\"") }
}

/// Checks limits before jansson reads a text: jansson recurses up to 2048 deep and does not limit the values.
enum JSONScan {
  /// Throws when the text nests too deep or has too many values.
  static func check(_ bytes: ArraySlice<UInt8>, file: String, limits: DocumentLimits) throws(Diagnostic) {
    guard let (offset, message) = violation(bytes.span, limits) else { return }
    throw Diagnostic(TextPlace.location(of: offset, in: Array(bytes), file: file), message)
  }

  private static func violation(_ bytes: borrowing Span<UInt8>, _ limits: DocumentLimits) -> (Int, String)? {
    var (index, depth, values, inString) = (0, 0, 1, false)
    while index < bytes.count {
      let byte = bytes[index]
      // jansson would take a zero byte for the end of the text and ignore the rest.
      if byte == 0 { return (index, "a zero byte is not allowed") }
      if inString {
        if byte == UInt8(ascii: "\\") { index += 1 } else if byte == UInt8(ascii: "\"") { inString = false }
      } else {
        switch byte {
        case UInt8(ascii: "\""): inString = true
        case UInt8(ascii: "["), UInt8(ascii: "{"):
          depth += 1
          values += 1
          if depth > limits.depth { return (index, limits.depthMessage) }
        case UInt8(ascii: "]"), UInt8(ascii: "}"): depth -= 1
        case UInt8(ascii: ","): values += 1
        default: break
        }
        if values > limits.nodes { return (index, limits.nodesMessage) }
      }
      index += 1
    }
    return nil
  }
}
