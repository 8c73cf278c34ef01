import Model

/// Finds the first character of a text in a file: after its quote, or on the line after `|`.
///
/// The parsers of actions and conditions count from there, so that errors point at the exact character. In a text with
/// escapes or folded lines the location is approximate.
struct SourcePlaces {
  private let source: [UInt8]
  /// The offset of each line.
  private let lines: [Int]

  init(_ source: [UInt8]) {
    self.source = source
    var lines = [0]
    for (index, byte) in source.enumerated() where byte == UInt8(ascii: "\n") { lines.append(index + 1) }
    self.lines = lines
  }

  /// The location of the first character of the scalar at `location`; `location` itself without the source.
  func textStart(_ location: Location) -> Location {
    guard let index = index(of: location), index < source.count else { return location }
    var place = location
    switch source[index] {
    case UInt8(ascii: "'"), UInt8(ascii: "\""): place.column += 1
    case UInt8(ascii: "|"), UInt8(ascii: ">"):
      guard location.line < lines.count else { return location }
      let start = lines[location.line]
      place.line += 1
      place.column = source[start...].prefix { $0 == UInt8(ascii: " ") }.count + 1
    default: break
    }
    return place
  }

  private func index(of location: Location) -> Int? {
    guard location.line >= 1, location.line <= lines.count, location.column >= 1 else { return nil }
    var index = lines[location.line - 1]
    // Columns count characters: skip the continuation bytes 10xxxxxx of UTF-8.
    var column = 1
    while column < location.column {
      index += 1
      while index < source.count && source[index] & 0xC0 == 0x80 { index += 1 }
      guard index < source.count else { return nil }
      column += 1
    }
    return index
  }
}
