import Model

/// Checks that hold for every message that a person reads.
enum MessageRules {
  /// The maximum length in bytes, because quoted text is truncated.
  static let longest = 2048

  /// Words that reveal an untranslated error of the Swift library.
  private static let swiftWords = [
    "Optional(", "Swift.", "DecodingError", "CodingKey", "typeMismatch", "keyNotFound", "dataCorrupted", "Array<",
    "Dictionary<", "Int64", "UInt64", "UInt8", "NSError", "fatalError", "Index out of range", " nil", "(nil",
    "Foundation",
    "Result<", "SystemError", "Diagnostic(", "__C.",
  ]

  /// Checks a message.
  /// - Parameter input: the input that caused the message, which may quote it.
  static func check(_ message: String, about input: [UInt8]) throws(Violation) {
    try require(!message.isEmpty, "an empty message")
    try require(message.utf8.count <= longest, "a message of \(message.utf8.count) bytes: \(message.prefix(200))…")
    try require(message.printable == message, "a message with control characters: \(message.debugDescription)")
    try require(message.last != ".", "a message that ends with a full stop: \(message)")
    let text = String(decoding: input, as: UTF8.self)
    for word in swiftWords where message.has(word) && !text.has(word) {
      throw Violation("a message with an error of the Swift library: \(message)")
    }
  }

  /// Checks errors of a file.
  static func check(_ found: [Diagnostic], of file: String, about input: [UInt8]) throws(Violation) {
    for diagnostic in found {
      try check(diagnostic.message, about: input)
      let place = diagnostic.location
      try require(place.file == file, "a location in another file: \(diagnostic)")
      let lines = input.count { $0 == 10 || $0 == 13 } + 2
      try require(place.line > 0 && place.column > 0, "a message without a location: \(diagnostic)")
      // YAML has three more line breaks, of two and three bytes.
      try require(place.line <= lines + input.count / 2, "a location after the end: \(diagnostic)")
    }
    try require(found == Diagnostics(found).all, "messages are not in the order of the file")
  }
}

extension String {
  /// Whether the string contains `word`.
  func has(_ word: String) -> Bool {
    let (bytes, word) = (Array(utf8), Array(word.utf8))
    guard bytes.count >= word.count, !word.isEmpty else { return false }
    return (0...bytes.count - word.count).contains { start in
      bytes[start] == word[0] && bytes[start..<start + word.count].elementsEqual(word)
    }
  }
}
