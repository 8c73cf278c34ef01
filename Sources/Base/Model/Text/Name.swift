/// A name that a peer or a file gives, compared and hashed byte by byte.
///
/// Swift's own texts are equal where Unicode calls them canonically equivalent, and finding that out takes time that
/// grows faster than the text: a name could be made that stops the daemon for seconds.
public struct Name: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// The most bytes of a name that a peer or a file may give: of an agent, a device, an event, a pattern, a key.
  public static let longest = 128

  /// As it was written.
  public let text: String

  /// Takes a text as it is.
  public init(_ text: String) { self.text = text }

  public var description: String { text }

  /// Whether it is short enough for a name.
  public var isShort: Bool { text.utf8.count <= Self.longest }

  /// The text for a message: whole, or its beginning and `…`.
  public var shown: String { text.cut(to: 64) }

  public static func == (left: Name, right: Name) -> Bool { left.text.isSame(as: right.text) }

  public static func < (left: Name, right: Name) -> Bool { left.text.utf8.lexicographicallyPrecedes(right.text.utf8) }

  public func hash(into hasher: inout Hasher) {
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
  /// The text where it has at most so many bytes; otherwise as much of it as fits, and `…`.
  public func cut(to bytes: Int) -> String {
    guard utf8.count > bytes else { return self }
    var start = ""
    for scalar in unicodeScalars {
      if start.utf8.count + UTF8.width(scalar) > bytes { break }
      start.unicodeScalars.append(scalar)
    }
    return start + "…"
  }
}
