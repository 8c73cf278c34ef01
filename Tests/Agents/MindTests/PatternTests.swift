import Testing

@testable import MindAgent

@Suite struct PatternTests {
  @Test func starsStandForAnyRun() {
    for (pattern, name, matches) in [
      ("fs.*", "fs.read", true), ("fs.*", "fs.", true), ("fs.*", "fsxread", false), ("*", "", true), ("", "", true),
      ("", "a", false), ("a*b*c", "a-b-b-c", true), ("a*b*c", "a-c", false), ("*:*", "chat:message", true),
      ("fs.read", "fs.read", true), ("fs.read", "fs.reader", false), ("**", "x", true),
    ] { #expect(Pattern.matches(pattern, name) == matches, "\(pattern) \(name)") }
  }
}
