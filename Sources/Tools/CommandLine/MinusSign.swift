import Model

/// Protects arguments that begin with a minus but are not options, such as `-5` and the expression `-7 % 3`.
///
/// The parser takes every word with a leading hyphen for an option. The hyphen is replaced by a minus sign (U+2212) for
/// the parser, and restored by the arguments that may be negative.
enum MinusSign {
  private static let sign: Character = "\u{2212}"

  /// The command line for the parser.
  static func protect(_ words: [String]) -> [String] {
    let isExpression = words.first == "expr"
    var previous = ""
    var isBehindDashes = false
    return words.map { word in
      defer { previous = word }
      if word == "--" { isBehindDashes = true }
      guard !isBehindDashes, word.first == "-" else { return word }
      let isOperand =
        isExpression && !["--with", "--socket"].contains(previous) ? isOperand(word) : isNumber(word.dropFirst())
      return isOperand ? "\(sign)\(word.dropFirst())" : word
    }
  }

  /// The word as it was typed.
  static func restore(_ word: String) -> String { word.first == sign ? "-\(word.dropFirst())" : word }

  /// A message of the parser, with the words as they were typed.
  static func restoreAll(_ message: String) -> String { String(message.map { $0 == sign ? "-" : $0 }) }

  /// Whether a word cannot be an option of `expr`, which has only long options and `-h`.
  private static func isOperand(_ word: String) -> Bool {
    var rest = word.dropFirst()
    guard let first = rest.popFirst(), word != "-h" else { return false }
    return first != "-" || !(rest.first?.isLetter ?? false)
  }

  /// Whether the text is a number, a percentage or a duration.
  private static func isNumber(_ text: Substring) -> Bool {
    guard let first = text.first, first.isASCII, first.isNumber || first == "." else { return false }
    let text = String(text)
    return Double(text) != nil || Quantity.percent(text) != nil || Quantity.duration(text) != nil
  }
}
