import Model

/// Converts between offsets and locations in a text. Lines end with LF, CR or CRLF; columns count Unicode scalars.
enum TextPlace {
  /// The location of the byte at `offset`.
  static func location(of offset: Int, in bytes: [UInt8], file: String) -> Location {
    var (line, column) = (1, 1)
    for index in 0..<min(offset, bytes.count) {
      if endsLine(index, bytes) {
        line += 1
        column = 1
      } else if bytes[index] & 0xC0 != 0x80 {
        column += 1
      }
    }
    return Location(file: file, line: line, column: column)
  }

  /// The byte offset of the Unicode scalar `index`, counted from 0; the text's length when it has fewer.
  static func offset(ofCharacter index: Int, in bytes: [UInt8]) -> Int {
    var seen = -1
    return bytes.firstIndex { byte in
      if byte & 0xC0 != 0x80 { seen += 1 }
      return seen == index
    } ?? bytes.count
  }

  private static func endsLine(_ index: Int, _ bytes: [UInt8]) -> Bool {
    switch bytes[index] {
    case UInt8(ascii: "\n"): true
    case UInt8(ascii: "\r"): index + 1 == bytes.count || bytes[index + 1] != UInt8(ascii: "\n")
    default: false
    }
  }
}

/// Checks a text's encoding.
enum TextEncoding {
  /// Throws unless `bytes` are UTF-8.
  /// - Returns: the text without a byte order mark.
  static func checked(_ bytes: [UInt8], file: String) throws(Diagnostic) -> [UInt8] {
    // A NUL among the first two bytes means UTF-16, UTF-32 or binary data.
    let start = bytes.prefix(2)
    if start == [0xFF, 0xFE] || start == [0xFE, 0xFF] || (start.count == 2 && start.contains(0)) {
      throw Diagnostic(
        Location(file: file, line: 1, column: 1), "the text is UTF-16 or binary; save it as UTF-8")
    }
    do {
      _ = try UTF8Span(validating: bytes.span)
    } catch {
      let offset = error.byteOffsets.lowerBound
      throw Diagnostic(
        TextPlace.location(of: offset, in: bytes, file: file),
        "the byte \(hexadecimal(bytes[offset])) is not UTF-8 here; save the text as UTF-8")
    }
    return bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(bytes[3...]) : bytes
  }

  private static func hexadecimal(_ byte: UInt8) -> String {
    let digits = String(byte, radix: 16, uppercase: true)
    return byte < 16 ? "0x0\(digits)" : "0x\(digits)"
  }
}

extension StringProtocol {
  /// The text in single quotes for a message: cut to 40 characters, control characters replaced by U+FFFD.
  var quotedForMessage: String {
    var text = "'"
    for (index, scalar) in unicodeScalars.enumerated() {
      if index == 40 { return text + "…'" }
      text.unicodeScalars.append(scalar.properties.generalCategory == .control ? "\u{FFFD}" : scalar)
    }
    return text + "'"
  }
}
