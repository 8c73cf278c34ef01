import Model

/// Removes secrets from what people send to others: the values of names such as `token`, `password` or `api_key`.
enum Redaction {
  private static let mark = "<removed>"
  private static let secrets = [
    "key", "token", "secret", "password", "passwd", "passphrase", "credential", "authorization", "psk", "cookie",
  ]

  /// Whether a name is that of a secret. Numbers of tokens are none.
  static func isSecret(_ name: some StringProtocol) -> Bool {
    let name = name.lowercased()
    return !name.hasSuffix("tokens") && secrets.contains { name.holds($0) }
  }

  /// Removes secrets from a text: in a line, what follows a secret's name and `:` or `=`, the values of options with
  /// such a name, what follows `Bearer`, and the names and passwords of URLs; the indented lines below such a name; and
  /// keys between `-----BEGIN` and `-----END`.
  static func text(_ text: String) -> String {
    var lines: [String] = []
    var indent: Int?
    var isKey = false
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      if isKey {
        if line.holds("-----END") { isKey = false }
        continue
      }
      let own = line.prefix { $0 == " " || $0 == "\t" }.count
      if let above = indent {
        if own > above || line.allSatisfy({ $0 == " " || $0 == "\t" }) { continue }
        indent = nil
      }
      if line.holds("-----BEGIN"), line.holds("PRIVATE") {
        isKey = !line.holds("-----END")
        lines.append(mark)
        continue
      }
      let cut = self.line(line)
      if cut.isCut { indent = own }
      lines.append(cut.text)
    }
    return lines.joined(separator: "\n")
  }

  private static func line(_ line: Substring) -> (text: String, isCut: Bool) {
    for place in line.indices where line[place] == ":" || line[place] == "=" {
      // The name before it, which may be quoted.
      let before = line[..<place].reversed().drop { $0 == " " || $0 == "\"" || $0 == "'" }
      let name = before.prefix(while: isOfName)
      guard isSecret(String(name.reversed())) else { continue }
      return ("\(line[...place]) \(mark)", true)
    }
    return (words(line), false)
  }

  private static func isOfName(_ character: Character) -> Bool {
    character.isLetter || character.isNumber || character == "_" || character == "-" || character == "."
  }

  /// Removes what follows `Bearer` and options with a secret's name, and the names and passwords of URLs.
  private static func words(_ line: Substring) -> String {
    var text = ""
    var rest = line
    var (isBearer, isOption) = (false, false)
    while !rest.isEmpty {
      let gap = rest.prefix { $0.isWhitespace }
      text += gap
      rest = rest[gap.endIndex...]
      if isBearer || isOption && rest.first != "-", !rest.isEmpty {
        text += mark
        rest = rest[value(at: rest).endIndex...]
        (isBearer, isOption) = (false, false)
      } else {
        let word = rest.prefix { !$0.isWhitespace }
        text += urls(word)
        rest = rest[word.endIndex...]
        (isBearer, isOption) = (word.lowercased().hasSuffix("bearer"), self.isOption(word))
      }
    }
    return text
  }

  /// The word that a text begins with, or all that is quoted.
  private static func value(at text: Substring) -> Substring {
    guard let quote = text.first, quote == "\"" || quote == "'" else { return text.prefix { !$0.isWhitespace } }
    guard let end = text.dropFirst().firstIndex(of: quote) else { return text }
    return text[...end]
  }

  /// Whether a word is an option whose value is the next word, such as `--token`; also in a list, as in `["--token",`.
  private static func isOption(_ word: Substring) -> Bool {
    let option = word.drop { "[(\"'".contains($0) }
    let name = option.prefix(while: isOfName)
    return name.hasPrefix("-") && isSecret(name) && option[name.endIndex...].allSatisfy { "\"',".contains($0) }
  }

  /// What ends the authority of a URL (RFC 3986, section 3.2), or the text in which it stands. Passwords may contain the
  /// other marks that usually follow a URL.
  private static let ends = "/?#\"`"

  /// Removes the names and passwords of all URLs in a word.
  private static func urls(_ word: Substring) -> String {
    var text = ""
    var rest = word
    while let colon = rest.indices.first(where: { rest[$0] == ":" && rest[$0...].hasPrefix("://") }) {
      let start = rest.index(colon, offsetBy: 3)
      text += rest[..<start]
      rest = rest[start...]
      // A password may contain `@`, too.
      if let at = rest.prefix(while: { !ends.contains($0) }).lastIndex(of: "@") {
        text += mark
        rest = rest[at...]
      }
    }
    return text + rest
  }

  /// Removes secrets from a value: by the names of members, and from texts as above.
  static func value(_ value: Value) -> Value {
    switch value {
    case .map(let fields):
      .map(
        Fields(
          uniquePairs: fields.map { member in
            (member.key, isSecret(member.key) ? .string(mark) : self.value(member.value))
          }))
    case .list(let items): .list(list(items))
    case .string(let text): .string(self.text(text))
    default: value
    }
  }

  /// Arguments of a program, in which an option may come before its value.
  private static func list(_ items: [Value]) -> [Value] {
    var isOption = false
    return items.map { item in
      defer { isOption = item.string.map { self.isOption(Substring($0)) } ?? false }
      return isOption && item.string?.hasPrefix("-") == false ? .string(mark) : value(item)
    }
  }
}
