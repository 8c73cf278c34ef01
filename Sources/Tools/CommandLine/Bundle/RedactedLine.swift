import Model

/// A line without its secrets.
struct RedactedLine {
  /// What is left.
  let text: String
  /// Whether all after a secret's name is removed: the indented lines below belong to it.
  let isCut: Bool
  /// Whether it is an item of a list, and an option whose value is the next item, on the next line.
  let endsInOption: Bool

  /// Removes the secrets.
  /// - Parameter afterOption: whether the line before ended in an option.
  init(_ line: Substring, afterOption: Bool) {
    var secrets = Self.urls(line)
    let (values, endsInOption) = Self.values(line)
    secrets += values
    if afterOption, let item = Self.item(line) { secrets.append(item) }
    secrets.sort { $0.lowerBound < $1.lowerBound }

    let end = Self.endOfName(line)
    var text = ""
    var rest = line
    for secret in secrets where secret.lowerBound < end ?? line.endIndex {
      // Secrets overlap: a URL can be the value of an option.
      if secret.lowerBound >= rest.startIndex { text += line[rest.startIndex..<secret.lowerBound] + Redaction.mark }
      rest = line[max(rest.startIndex, secret.upperBound)...]
    }
    if let end {
      if rest.startIndex < end { text += "\(line[rest.startIndex..<end]) \(Redaction.mark)" }
    } else {
      text += rest
    }
    self.text = text
    self.isCut = end != nil
    self.endsInOption = endsInOption
  }

  /// The place after the first secret's name and its `:` or `=`.
  private static func endOfName(_ line: Substring) -> Substring.Index? {
    for place in line.indices where line[place] == ":" || line[place] == "=" {
      // The name before it, which may be quoted.
      let before = line[..<place].reversed().drop { $0 == " " || isMark($0) }
      let name = before.prefix(while: Redaction.isOfName)
      let value = line[line.index(after: place)...].drop { $0.isWhitespace || isMark($0) }
      if Redaction.isSecret(String(name.reversed()), value) { return line.index(after: place) }
    }
    return nil
  }

  /// What follows `Bearer`, and the values of options, also in a list, as in `["--token","abc"]`.
  private static func values(_ line: Substring) -> (found: [Range<Substring.Index>], endsInOption: Bool) {
    var found: [Range<Substring.Index>] = []
    var rest = line
    while let start = rest.firstIndex(where: Redaction.isOfName) {
      let name = rest[start...].prefix(while: Redaction.isOfName)
      rest = rest[name.endIndex...]
      if name.lowercased().hasSuffix("bearer") {
        let value = rest.drop { $0.isWhitespace }
        if value.startIndex > rest.startIndex, !value.isEmpty { found.append(word(at: value)) }
      } else if Redaction.isOption(name) {
        let after = rest.drop(while: isMark)
        let value = after.drop { $0 == "," || $0.isWhitespace }
        if value.isEmpty || value.first == "#" && value.startIndex > after.startIndex {
          return (found, after.first == "," || isItem(line[..<start]))
        }
        // Another option is not its value.
        if value.startIndex > after.startIndex, value.first != "-" { found.append(word(at: value)) }
      }
    }
    return (found, false)
  }

  private static func isMark(_ character: Character) -> Bool {
    character == "\"" || character == "'" || character == "\\"
  }

  /// Whether a text before a word makes it an item of a YAML list.
  private static func isItem(_ before: Substring) -> Bool {
    let dash = before.drop { $0.isWhitespace }
    return dash.first == "-" && dash.dropFirst().allSatisfy { $0.isWhitespace || isMark($0) }
  }

  /// The item of a list that a line consists of; nil when it is an option.
  private static func item(_ line: Substring) -> Range<Substring.Index>? {
    var item = line.drop { $0.isWhitespace }
    if item.hasPrefix("- ") { item = item.dropFirst(2).drop { $0.isWhitespace } }
    guard let first = item.first, first != "-" else { return nil }
    return isMark(first) ? word(at: item) : item.startIndex..<item.endIndex
  }

  /// The word that a text begins with, or all that is quoted.
  private static func word(at text: Substring) -> Range<Substring.Index> {
    // In a text within a text, quotes come after backslashes.
    let depth = text.prefix { $0 == "\\" }.count
    guard let quote = text.dropFirst(depth).first, quote == "\"" || quote == "'" else {
      return text.startIndex..<text.prefix { !$0.isWhitespace }.endIndex
    }
    var slashes = 0
    for place in text.indices.dropFirst(depth + 1) {
      if text[place] == quote, slashes == depth { return text.startIndex..<text.index(after: place) }
      slashes = text[place] == "\\" ? slashes + 1 : 0
    }
    return text.startIndex..<text.endIndex
  }

  /// What ends the authority of a URL (RFC 3986, section 3.2), or the text in which it stands. Passwords may contain
  /// the other marks that usually follow a URL.
  private static let ends = "/?#\"`"

  /// The names and passwords of URLs.
  private static func urls(_ line: Substring) -> [Range<Substring.Index>] {
    var found: [Range<Substring.Index>] = []
    var rest = line
    while let colon = rest.indices.first(where: { rest[$0] == ":" && rest[$0...].hasPrefix("://") }) {
      rest = rest[rest.index(colon, offsetBy: 3)...]
      let authority = rest.prefix { !ends.contains($0) && !$0.isWhitespace }
      // A password may contain `@`, too.
      if let at = authority.lastIndex(of: "@") {
        found.append(authority.startIndex..<at)
        rest = rest[at...]
      }
    }
    return found
  }
}
