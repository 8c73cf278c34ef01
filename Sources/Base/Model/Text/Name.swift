/// A name from a peer or a file, compared and hashed byte by byte.
///
/// `String` compares by Unicode canonical equivalence, which takes more than linear time: a crafted name could block
/// the daemon for seconds.
package struct Name: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// The most bytes of a name of an agent, a device, an event, a pattern or a key that a peer or a file gives.
  package static let longest = 128

  /// The unchanged text.
  package let text: String

  /// A name of any length; `isShort` checks it.
  package init(_ text: String) { self.text = text }

  package var description: String { text }

  /// Whether the name has at most `longest` bytes.
  package var isShort: Bool { text.utf8.count <= Self.longest }

  /// The text for a message: the first 64 bytes, with `…` if it is longer.
  package var shown: String { text.cut(to: 64) }

  package static func == (left: Name, right: Name) -> Bool { left.text.isSame(as: right.text) }

  package static func < (left: Name, right: Name) -> Bool { left.text.utf8.lexicographicallyPrecedes(right.text.utf8) }

  package func hash(into hasher: inout Hasher) {
    let bytes = text.utf8Span.span
    var word: UInt64 = 0
    for index in bytes.indices {
      word = word << 8 | UInt64(bytes[index])
      if index % 8 == 7 { hasher.combine(word) }
    }
    hasher.combine(word)
    hasher.combine(bytes.count)
  }
}

extension String {
  /// The text if it has at most so many bytes; else the part that fits, followed by `…`.
  package func cut(to bytes: Int) -> String {
    guard utf8.count > bytes else { return self }
    var start = ""
    for scalar in unicodeScalars {
      if start.utf8.count + UTF8.width(scalar) > bytes { break }
      start.unicodeScalars.append(scalar)
    }
    return start + "…"
  }
}
