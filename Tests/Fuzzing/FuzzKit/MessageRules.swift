import Model

/// What holds of every message that a person reads, whatever it is about.
enum MessageRules {
  /// The longest there may be, in bytes: what is quoted is cut.
  static let longest = 2048

  /// Words that no file has and no person says: where they stand, the language of this program has spoken.
  private static let swiftWords = [
    "Optional(", "Swift.", "DecodingError", "CodingKey", "typeMismatch", "keyNotFound", "dataCorrupted", "Array<",
    "Dictionary<", "Int64", "UInt64", "UInt8", "NSError", "fatalError", "Index out of range", " nil", "(nil",
    "Foundation",
    "Result<", "SystemError", "Diagnostic(", "__C.",
  ]

  /// Checks a message.
  /// - Parameter input: what it is about; its own words may be in the message.
  static func check(_ message: String, about input: [UInt8]) throws(Violation) {
    try require(!message.isEmpty, "a message without words")
    try require(message.utf8.count <= longest, "a message of \(message.utf8.count) bytes: \(message.prefix(200))…")
    try require(message.printable == message, "a message that a terminal acts on: \(message.debugDescription)")
    try require(message.last != ".", "a message that ends with a full stop: \(message)")
    let text = String(decoding: input, as: UTF8.self)
    for word in swiftWords where message.has(word) && !text.has(word) {
      throw Violation("a message in the words of the language: \(message)")
    }
  }

  /// Checks errors of a file.
  static func check(_ found: [Diagnostic], of file: String, about input: [UInt8]) throws(Violation) {
    for diagnostic in found {
      try check(diagnostic.message, about: input)
      let place = diagnostic.location
      try require(place.file == file, "a place in another file: \(diagnostic)")
      let lines = input.count { $0 == 10 || $0 == 13 } + 2
      try require(place.line > 0 && place.column > 0, "a message without a place: \(diagnostic)")
      // YAML knows three more ends of lines, of two and three bytes.
      try require(place.line <= lines + input.count / 2, "a place behind the end: \(diagnostic)")
    }
    try require(found == Diagnostics(found).all, "messages that are not in the order of the file")
  }
}

extension String {
  /// Whether `word` is in it.
  func has(_ word: String) -> Bool {
    let (bytes, word) = (Array(utf8), Array(word.utf8))
    guard bytes.count >= word.count, !word.isEmpty else { return false }
    return (0...bytes.count - word.count).contains { start in
      bytes[start] == word[0] && bytes[start..<start + word.count].elementsEqual(word)
    }
  }
}
