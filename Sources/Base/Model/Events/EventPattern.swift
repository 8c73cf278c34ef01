/// An event name with wildcards: `*` stands for any run of characters, so `sensor:*`, `*` and `git:commit_*` work.
package struct EventPattern: Sendable, Hashable, CustomStringConvertible {
  /// The pattern as written, compared byte by byte.
  package let name: Name
  /// Whether the pattern has no wildcard and matches exactly one event name.
  package let isExact: Bool

  /// Any text is a pattern. Callers limit patterns from outside to `Name.longest` bytes.
  package init(_ text: String) {
    name = Name(text)
    isExact = !text.utf8.contains(UInt8(ascii: "*"))
  }

  /// The pattern as written.
  package var text: String { name.text }

  package var description: String { text }

  /// Whether the event name `type` matches. Takes at most pattern length × name length steps, without recursion.
  package func matches(_ type: String) -> Bool {
    if isExact { return text.isSame(as: type) }
    let pattern = Array(text.utf8)
    let name = Array(type.utf8)
    var (patternIndex, nameIndex) = (0, 0)
    var (star, resume) = (-1, 0)
    while nameIndex < name.count {
      if patternIndex < pattern.count && pattern[patternIndex] == UInt8(ascii: "*") {
        (star, resume) = (patternIndex, nameIndex)
        patternIndex += 1
      } else if patternIndex < pattern.count && pattern[patternIndex] == name[nameIndex] {
        patternIndex += 1
        nameIndex += 1
      } else if star >= 0 {
        resume += 1
        (patternIndex, nameIndex) = (star + 1, resume)
      } else {
        return false
      }
    }
    while patternIndex < pattern.count && pattern[patternIndex] == UInt8(ascii: "*") { patternIndex += 1 }
    return patternIndex == pattern.count
  }

  /// The domains whose events only the daemon publishes; agents and clients use other domains.
  package static let builtInDomains = [
    "sensor", "input", "gesture", "camera", "device", "approval", "agent", "budget", "model", "rule", "timer", "system",
  ]

  /// The built-in domain of the event name `type`; nil for any other domain.
  package static func builtInDomain(of type: String) -> String? {
    guard let colon = type.utf8.firstIndex(of: UInt8(ascii: ":")) else { return nil }
    let domain = String(type[..<colon])
    return builtInDomains.first { $0.isSame(as: domain) }
  }

  /// Whether `type` is a valid event name: `domain:verb`, both parts of ASCII letters, digits, `_`, `-`, `.` and `/`,
  /// at most 128 characters in all.
  package static func isEventName(_ type: String) -> Bool {
    guard Name(type).isShort else { return false }
    let parts = type.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
    guard parts.count == 2, parts.allSatisfy({ !$0.isEmpty }) else { return false }
    return type.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."),
        UInt8(ascii: "/"), UInt8(ascii: ":"):
        true
      default: false
      }
    }
  }
}
