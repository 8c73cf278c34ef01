extension CodeReviewer {
  /// The statistics and remarks of one patch.
  struct Findings {
    var files = 0
    var added = 0
    var removed = 0
    /// The number of all remarks, including those that are not stored.
    var count = 0
    /// The first 50 remarks.
    var remarks: [String] = []

    mutating func remark(_ text: @autoclosure () -> String) {
      count += 1
      if remarks.count < 50 { remarks.append(text()) }
    }
  }

  /// Searches a patch in the format of `git format-patch` for suspicious lines.
  ///
  /// Only lines counted by a hunk's header are content: a commit message may contain lines that look like a hunk.
  static func review(_ patch: [UInt8]) -> Findings {
    var findings = Findings()
    var file = ""
    var line = 0
    var left = (old: 0, new: 0)
    for text in patch.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
      if left.old <= 0 && left.new <= 0 {
        if starts(text, "diff --git ") {
          findings.files += 1
        } else if starts(text, "+++ ") {
          file = String(decoding: text.dropFirst(starts(text, "+++ b/") ? 6 : 4), as: UTF8.self)
        } else if starts(text, "@@ -"), let hunk = Hunk(text) {
          left = (hunk.old, hunk.new)
          line = hunk.start - 1
        }
        continue
      }
      switch text.first {
      case UInt8(ascii: "+"):
        findings.added += 1
        left.new -= 1
        line += 1
        let content = text.dropFirst()
        for suspect in suspects where contains(content, suspect.text) {
          findings.remark("\(file):\(line): \(suspect.remark)")
        }
        if content.count > 200 { findings.remark("\(file):\(line): a line of \(content.count) bytes") }
      case UInt8(ascii: "-"):
        findings.removed += 1
        left.old -= 1
      case UInt8(ascii: "\\"): break  // "\ No newline at end of file"
      default:
        left.old -= 1
        left.new -= 1
        line += 1
      }
    }
    return findings
  }

  private static let suspects: [(text: [UInt8], remark: String)] = [
    (Array("<<<<<<< ".utf8), "a merge conflict marker"), (Array("PRIVATE KEY-----".utf8), "a private key"),
    (Array("password=".utf8), "a password"), (Array("FIXME".utf8), "an unfinished place"),
  ]

  /// `@@ -old,count +new,count @@`: the position and number of a hunk's lines.
  private struct Hunk {
    var old: Int
    var new: Int
    var start: Int

    init?(_ text: ArraySlice<UInt8>) {
      let words = text.split(separator: UInt8(ascii: " "), maxSplits: 3)
      guard words.count >= 3, let old = Self.range(words[1]), let new = Self.range(words[2]) else { return nil }
      (self.old, self.new, start) = (old.count, new.count, new.start)
    }

    /// Parses `-12,3`, or `+12`, which means one line.
    private static func range(_ word: ArraySlice<UInt8>) -> (start: Int, count: Int)? {
      let numbers = word.dropFirst().split(separator: UInt8(ascii: ",")).map {
        // Untrusted input: limit numbers so that sums cannot overflow.
        UInt32(String(decoding: $0, as: UTF8.self)).map(Int.init)
      }
      guard let start = numbers.first ?? nil, numbers.count < 3 else { return nil }
      guard numbers.count == 2 else { return (start, 1) }
      return numbers[1].map { (start, $0) }
    }
  }

  private static func starts(_ text: ArraySlice<UInt8>, _ prefix: StaticString) -> Bool {
    text.starts(with: prefix.description.utf8)
  }

  private static func contains(_ text: ArraySlice<UInt8>, _ part: [UInt8]) -> Bool {
    var rest = text
    while let place = rest.firstIndex(of: part[0]) {
      rest = rest[place...]
      if rest.starts(with: part) { return true }
      rest = rest.dropFirst()
    }
    return false
  }
}
