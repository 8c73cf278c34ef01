import Model

/// Removes secrets from what people send to others: the values of names such as `token`, `password` or `api_key`.
enum Redaction {
  /// What stands for a secret.
  static let mark = "<removed>"
  private static let secrets = [
    "key", "token", "secret", "password", "passwd", "pwd", "passphrase", "credential", "authorization", "psk", "cookie",
  ]

  /// Whether a name is that of a secret. Numbers of tokens are none.
  static func isSecret(_ name: some StringProtocol) -> Bool {
    let name = name.lowercased()
    return !name.hasSuffix("tokens") && secrets.contains { name.holds($0) }
  }

  /// Whether a name with this value is that of a secret: one that ends in "tokens" may be, unless the value is a number.
  static func isSecret(_ name: some StringProtocol, _ value: some StringProtocol) -> Bool {
    if isSecret(name) { return true }
    return name.lowercased().hasSuffix("tokens") && !(value.first?.isNumber ?? true)
  }

  /// Removes secrets from a text: in a line, what follows a secret's name and `:` or `=`, the values of options with
  /// such a name, what follows `Bearer`, and the names and passwords of URLs; the indented lines and the list below
  /// such a name; and keys between `-----BEGIN` and `-----END`.
  static func text(_ text: String) -> String {
    var lines: [String] = []
    // Where the last name of a secret stands, and whether items of a list are below it at the same place.
    var name: (indent: Int, hasItems: Bool)?
    var isKey = false
    var isOption = false
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      if isKey {
        if line.holds("-----END") { isKey = false }
        continue
      }
      let own = line.prefix { $0 == " " || $0 == "\t" }.count
      let isItem = line.dropFirst(own).hasPrefix("- ")
      if let above = name {
        if own > above.indent || own == line.count || own == above.indent && above.hasItems && isItem { continue }
        name = nil
      }
      if line.holds("-----BEGIN"), line.holds("PRIVATE") {
        isKey = !line.holds("-----END")
        lines.append(mark)
        continue
      }
      // An option waits for its value behind blank lines and comments.
      let isComment = own == line.count || line.dropFirst(own).first == "#"
      let cleaned = RedactedLine(line, afterOption: isOption && !isComment)
      if cleaned.isCut { name = (own, !isItem) }
      if !isComment { isOption = cleaned.endsInOption }
      lines.append(cleaned.text)
    }
    return lines.joined(separator: "\n")
  }

  /// Whether a word is an option whose value is the next word, such as `--token`.
  static func isOption(_ word: some StringProtocol) -> Bool {
    word.first == "-" && word.allSatisfy(isOfName) && isSecret(word)
  }

  /// Whether a character can be in a name.
  static func isOfName(_ character: Character) -> Bool {
    character.isLetter || character.isNumber || character == "_" || character == "-" || character == "."
  }

  /// Removes secrets from a value: by the names of members, and from texts as above.
  static func value(_ value: Value) -> Value {
    switch value {
    case .map(let fields):
      .map(
        Fields(
          uniquePairs: fields.map { member in
            (member.key, isSecret(member.key, member.value.string ?? "0") ? .string(mark) : self.value(member.value))
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
      defer { isOption = item.string.map { self.isOption($0) } ?? false }
      return isOption && item.string?.hasPrefix("-") == false ? .string(mark) : value(item)
    }
  }
}
