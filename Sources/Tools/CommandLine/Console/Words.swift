/// Splits a line like a shell: words are separated by spaces and tabs, quotes protect them, and a backslash escapes the
/// next character, within double quotes only `"` and `\`. Nothing is expanded.
enum Words {
  /// Splits `line`.
  /// - Returns: nil if a quote is not closed or a backslash ends the line.
  static func split(_ line: String) -> [String]? {
    var words: [String] = []
    var word: String?
    var quote: Character?
    var characters = line[...]
    while let character = characters.popFirst() {
      if let open = quote {
        if character == open {
          quote = nil
        } else if character == "\\", open == "\"", let next = characters.first, next == "\"" || next == "\\" {
          word?.append(characters.removeFirst())
        } else {
          word?.append(character)
        }
      } else if character == "\"" || character == "'" {
        quote = character
        word = word ?? ""
      } else if character == "\\" {
        guard let next = characters.popFirst() else { return nil }
        word = (word ?? "") + String(next)
      } else if character == " " || character == "\t" {
        if let word { words.append(word) }
        word = nil
      } else {
        word = (word ?? "") + String(character)
      }
    }
    guard quote == nil else { return nil }
    return words + (word.map { [$0] } ?? [])
  }
}
