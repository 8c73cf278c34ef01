import Model

/// Splits the arguments of an action at commas outside brackets and quotes.
extension ActionParser {
  /// One argument and its position in the text.
  struct Argument {
    /// The name before the colon; nil for none.
    var name: String?
    /// The text after the name, or the whole argument.
    var text: String
    /// The argument with its name.
    var whole: String
    /// The offset of the argument.
    var start: Int
    /// The offset of `text`.
    var textStart: Int
  }

  /// Reads the arguments and the closing parenthesis; nil if a bracket or quote is not closed, which is reported.
  mutating func arguments(of name: String) -> [Argument]? {
    let open = position - 1
    var arguments: [Argument] = []
    var begin = position
    var brackets: [UInt8] = []
    while position < text.count {
      let byte = text[position]
      switch Unicode.Scalar(byte) {
      case "'", "\"":
        guard skipQuoted(byte) else { return nil }
        continue
      case "(", "[", "{": brackets.append(byte)
      case ")" where brackets.isEmpty:
        if !(arguments.isEmpty && trimmed(begin..<position).isEmpty) {
          arguments.append(argument(begin..<position))
        }
        position += 1
        return complete(arguments, name)
      case ")", "]", "}":
        guard let last = brackets.popLast(), Self.closes(last, byte) else {
          _ = fail(position, "'\(Unicode.Scalar(byte))' closes nothing here, expected brackets in pairs")
          return nil
        }
      case "," where brackets.isEmpty:
        arguments.append(argument(begin..<position))
        begin = position + 1
      default: break
      }
      position += 1
    }
    _ = fail(open, "the parenthesis of '\(name)' is not closed, expected \(Self.form(of: name))")
    return nil
  }

  private func complete(_ arguments: [Argument], _ name: String) -> [Argument]? {
    if let empty = arguments.first(where: { $0.whole.isEmpty }) {
      _ = fail(empty.start, "an argument of '\(name)' is empty, expected \(Self.form(of: name))")
      return nil
    }
    if arguments.isEmpty {
      _ = fail(position - 1, "'\(name)' has no arguments, expected \(Self.form(of: name))")
      return nil
    }
    return arguments
  }

  private func argument(_ range: Range<Int>) -> Argument {
    let bounds = trimmed(range)
    var end = bounds.lowerBound
    while end < bounds.upperBound, Self.isName(text[end]) { end += 1 }
    var colon = end
    while colon < bounds.upperBound, Self.isSpace(text[colon]) { colon += 1 }
    let whole = string(bounds)
    guard end > bounds.lowerBound, colon < bounds.upperBound, text[colon] == UInt8(ascii: ":") else {
      return Argument(name: nil, text: whole, whole: whole, start: bounds.lowerBound, textStart: bounds.lowerBound)
    }
    let value = trimmed(colon + 1..<bounds.upperBound)
    return Argument(
      name: string(bounds.lowerBound..<end), text: string(value), whole: whole, start: bounds.lowerBound,
      textStart: value.lowerBound)
  }

  /// Skips a CEL string: `'…'`, `"…"`, three quotes, and raw strings with the prefix `r`.
  private mutating func skipQuoted(_ quote: UInt8) -> Bool {
    let open = position
    let isRaw =
      open > 0 && Self.isLetter(text[open - 1], "r")
      && (open < 2 || !Self.isName(text[open - 2]) || Self.isLetter(text[open - 2], "b"))
    let isTriple = open + 2 < text.count && text[open + 1] == quote && text[open + 2] == quote
    let width = isTriple ? 3 : 1
    position += width
    while position < text.count {
      if text[position] == UInt8(ascii: "\\") && !isRaw {
        position += 2
      } else if position + width <= text.count, text[position..<position + width].allSatisfy({ $0 == quote }) {
        position += width
        return true
      } else {
        position += 1
      }
    }
    _ = fail(open, "a text is not closed, expected \(Unicode.Scalar(quote)) at its end")
    return false
  }

  private static func closes(_ open: UInt8, _ close: UInt8) -> Bool {
    switch (Unicode.Scalar(open), Unicode.Scalar(close)) {
    case ("(", ")"), ("[", "]"), ("{", "}"): true
    default: false
    }
  }

  static func isName(_ byte: UInt8) -> Bool {
    switch Unicode.Scalar(byte) {
    case "a"..."z", "A"..."Z", "0"..."9", "_": true
    default: false
    }
  }

  /// Whether it is the letter, small or capital.
  private static func isLetter(_ byte: UInt8, _ letter: Unicode.Scalar) -> Bool { UInt32(byte | 0x20) == letter.value }

  static func isSpace(_ byte: UInt8) -> Bool {
    switch Unicode.Scalar(byte) {
    case " ", "\t", "\n", "\r": true
    default: false
    }
  }

  mutating func skipSpace() { while position < text.count, Self.isSpace(text[position]) { position += 1 } }

  private func trimmed(_ range: Range<Int>) -> Range<Int> {
    var (low, high) = (range.lowerBound, range.upperBound)
    while low < high, Self.isSpace(text[low]) { low += 1 }
    while high > low, Self.isSpace(text[high - 1]) { high -= 1 }
    return low..<high
  }

  func string(_ range: Range<Int>) -> String { String(decoding: text[range], as: UTF8.self) }
}
