import Model
import TestKit
import Testing

@Suite struct EventPatternTests {
  @Test(arguments: [
    ("sensor:temperature", "sensor:temperature", true), ("sensor:temperature", "sensor:temp", false),
    ("sensor:*", "sensor:temperature", true), ("sensor:*", "sensor:", true), ("sensor:*", "input:door", false),
    ("*", "", true), ("*", "a:b", true), ("*:door", "input:door", true), ("git:commit_*", "git:commit_pushed", true),
    ("a*b*c", "aXbYbZc", true), ("a*b*c", "aXbYbZ", false), ("**", "x", true), ("a*a", "a", false), ("", "", true),
    ("", "a", false), ("*ü*", "grün", true),
  ])
  func matching(pattern: String, name: String, expected: Bool) {
    #expect(EventPattern(pattern).matches(name) == expected)
  }

  /// Compares with a recursive matcher that is slow but obviously correct.
  @Test func agreesWithARecursiveMatcher() {
    func matches(_ pattern: ArraySlice<Character>, _ name: ArraySlice<Character>) -> Bool {
      guard let first = pattern.first else { return name.isEmpty }
      if first == "*" {
        return (name.startIndex...name.endIndex).contains { matches(pattern.dropFirst(), name[$0...]) }
      }
      return name.first == first && matches(pattern.dropFirst(), name.dropFirst())
    }
    var dice = SeededGenerator(1)
    for _ in 0..<3000 {
      let pattern = String(
        (0..<Int.random(in: 0..<6, using: &dice)).map { _ in "ab*".randomElement(using: &dice) ?? "a" })
      let name = String((0..<Int.random(in: 0..<8, using: &dice)).map { _ in "ab".randomElement(using: &dice) ?? "a" })
      #expect(
        EventPattern(pattern).matches(name) == matches(Array(pattern)[...], Array(name)[...]), "\(pattern) \(name)")
    }
  }

  /// A pattern that is exponential for a recursive matcher stays cheap.
  @Test func manyWildcardsAreCheap() {
    let pattern = EventPattern(String(repeating: "a*", count: 40) + "b")
    #expect(!pattern.matches(String(repeating: "a", count: 5000)))
  }

  @Test func eventNames() {
    for good in ["sensor:temperature", "git:commit_pushed", "a:b", "timer:rules.yaml/4", "x-1:y.z"] {
      #expect(EventPattern.isEventName(good), "\(good)")
    }
    for bad in [
      "", "a", ":", "a:", ":b", "a:b:c", "a b:c", "a:ü", "a:*", "a:b\n", "a:" + String(repeating: "x", count: 127),
    ] {
      #expect(!EventPattern.isEventName(bad), "\(bad)")
    }
  }
}
