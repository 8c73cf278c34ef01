import OpenStarryAgent

/// A name in which `*` stands for any run of characters, as in the manifest.
enum Pattern {
  /// Takes at most pattern length × name length steps.
  static func matches(_ pattern: String, _ name: String) -> Bool {
    let pattern = Array(pattern.utf8)
    let name = Array(name.utf8)
    // Whether the pattern so far matches the first n bytes of the name.
    var matching = [true] + [Bool](repeating: false, count: name.count)
    for byte in pattern {
      if byte == UInt8(ascii: "*") {
        for index in 0..<name.count where matching[index] { matching[index + 1] = true }
      } else {
        for index in stride(from: name.count, to: 0, by: -1) {
          matching[index] = matching[index - 1] && name[index - 1] == byte
        }
        matching[0] = false
      }
    }
    return matching[name.count]
  }

  /// Whether one of the patterns matches.
  static func anyMatches(_ patterns: [String], _ name: String) -> Bool {
    patterns.contains { matches($0, name) }
  }
}
