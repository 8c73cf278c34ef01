import Model
import Testing

/// Names are compared as bytes: canonically equivalent texts are different names.
@Suite struct NameTests {
  private static let composed = "caf\u{e9}"
  private static let decomposed = "cafe\u{301}"

  /// Compares through the protocol, as dictionaries do.
  private func areEqual<Key: Hashable>(_ left: Key, _ right: Key) -> Bool { left == right }

  @Test func equivalentTextsAreDifferentNames() {
    #expect(Self.composed == Self.decomposed, "Swift's own comparison")
    func check<Key: Identifier>(_ kind: Key.Type) {
      let (one, other) = (Key(Self.composed), Key(Self.decomposed))
      #expect(one != other && !areEqual(one, other) && one == Key(Self.composed))
      #expect(Set([one, other, Key(Self.composed)]).count == 2)
      #expect([one: 1][other] == nil)
      #expect(other < one && !(one < other), "e comes before any byte of é")
    }
    check(DeviceID.self)
    check(AgentID.self)
    check(RuleID.self)
    #expect(EventPattern(Self.composed) != EventPattern(Self.decomposed))
    #expect(!EventPattern(Self.composed).matches(Self.decomposed) && EventPattern(Self.composed).matches(Self.composed))
    var fields = Fields()
    fields[Self.composed] = 1
    fields[Self.decomposed] = 2
    #expect(fields.count == 2 && fields[Self.composed] == 1)
  }

  /// Names that differ in one byte have different hashes, at all lengths.
  @Test func hashesSeeEveryByte() {
    for length in 1...40 {
      var names: Set<Name> = []
      for place in 0..<length {
        var bytes = [UInt8](repeating: UInt8(ascii: "a"), count: length)
        bytes[place] = UInt8(ascii: "b")
        names.insert(Name(String(decoding: bytes, as: UTF8.self)))
      }
      #expect(names.count == length)
      #expect(Set(names.map(\.hashValue)).count == length)
    }
  }

  @Test func longNamesAreCutInMessages() {
    #expect(Name(String(repeating: "x", count: 128)).isShort && !Name(String(repeating: "x", count: 129)).isShort)
    #expect(Name("fan").shown == "fan")
    let marks = "a" + String(repeating: "\u{301}", count: 300_000)
    #expect(Name(marks).shown.utf8.count <= 64 + 3)
    #expect(Suggestion.closest(to: marks, in: ["a"]) == nil)
    #expect(!EventPattern.isEventName(marks))
  }
}
