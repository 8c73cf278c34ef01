import Model

/// Words that begin with a minus and are no options: `-5`, and the expression `-7 % 3`.
///
/// The parser takes every word with a hyphen in front for an option. It gets these with a minus sign (U+2212) instead,
/// and arguments that may have one restore it.
enum MinusSign {
  private static let sign: Character = "\u{2212}"

  /// A command line as the parser is to get it.
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

  /// A word as it was typed.
  static func restore(_ word: String) -> String { word.first == sign ? "-\(word.dropFirst())" : word }

  /// Not an option of `expr`: these are long, but for the one that asks for help.
  private static func isOperand(_ word: String) -> Bool {
    var rest = word.dropFirst()
    guard let first = rest.popFirst(), word != "-h" else { return false }
    return first != "-" || !(rest.first?.isLetter ?? false)
  }

  /// A number, a percentage or a length of time.
  private static func isNumber(_ text: Substring) -> Bool {
    guard let first = text.first, first.isASCII, first.isNumber || first == "." else { return false }
    let text = String(text)
    return Double(text) != nil || Quantity.percent(text) != nil || Quantity.duration(text) != nil
  }
}
