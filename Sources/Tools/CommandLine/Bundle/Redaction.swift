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

  /// Removes secrets from a text: in a line, what follows a secret's name and `:` or `=`, `Bearer`, and the names and
  /// passwords of URLs; the indented lines below such a name; and keys between `-----BEGIN` and `-----END`.
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
      let name = before.prefix { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "-" || $0 == "." }
      guard isSecret(String(name.reversed())) else { continue }
      return ("\(line[...place]) \(mark)", true)
    }
    return (words(line), false)
  }

  private static func words(_ line: Substring) -> String {
    var isBearer = false
    return line.split(separator: " ", omittingEmptySubsequences: false).map { word in
      defer { isBearer = word.lowercased().hasSuffix("bearer") }
      if isBearer { return mark }
      guard let at = word.lastIndex(of: "@"), let colon = word.firstIndex(of: ":"), word[colon...].hasPrefix("://"),
        let start = word.index(colon, offsetBy: 3, limitedBy: at)
      else { return String(word) }
      return "\(word[..<start])\(mark)\(word[at...])"
    }.joined(separator: " ")
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
    case .list(let items): .list(items.map(self.value))
    case .string(let text): .string(self.text(text))
    default: value
    }
  }
}
