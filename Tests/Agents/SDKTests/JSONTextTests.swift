import Document
import Model
import TestKit
import Testing

/// Compares the SDK's JSON reader and writer with the daemon's, which is jansson.
@Suite struct JSONTextTests {
  private func jansson(_ text: [UInt8]) -> Value? { try? JSON.decode(text[...]) }
  private func own(_ text: [UInt8]) -> Value? { try? JSONText.read(text) }

  private func shown(_ value: Value?) -> String { value.map { "\($0)" } ?? "refused" }

  @Test func bothReadersAgreeOnWrittenText() throws {
    var dice = SeededGenerator(1)
    for _ in 0..<1000 {
      let value = Value.random(&dice, depth: 3)
      for text in [JSONText.write(value), JSONText.write(value, pretty: true)] {
        let read = try JSONText.read(text)
        if read != value || jansson(text) != value { Issue.record("\(String(decoding: text, as: UTF8.self))") }
      }
    }
  }

  /// Random sequences of JSON tokens are mostly near misses, unlike random bytes.
  @Test func bothReadersAcceptTheSameTexts() {
    let pieces = [
      "{", "}", "[", "]", ",", ":", "\"", "\"a\"", "\"b\":", "true", "false", "null", "nul", "0", "-", "-0", "1", "12",
      "01", ".5", "1.5", "e", "1e5", "E+3", "1E-400", "1e400", "9223372036854775807", "-9223372036854775808",
      "9223372036854775808", " ", "\n", "\t", "\\", "\\n", "\\u0041", "\\u0000", "\\ud83d\\ude00", "\\ud800", "\\udc00",
      "\\x", "é", "\u{0}", "\u{1F}", "\u{FEFF}", "/", "'a'", "NaN", "\"x\\\"y\"",
    ].map { Array($0.utf8) }
    var dice = SeededGenerator(2)
    var taken = 0
    for _ in 0..<30_000 {
      var text: [UInt8] = []
      for _ in 0..<Int.random(in: 1..<8, using: &dice) { text += pieces.randomElement(using: &dice)! }
      let (ours, theirs) = (own(text), jansson(text))
      if ours != theirs { Issue.record("\(text): \(shown(ours)), jansson: \(shown(theirs))") }
      if ours != nil { taken += 1 }
    }
    #expect(taken > 500)
  }

  @Test func bothReadersAcceptTheSameDamagedTexts() {
    var dice = SeededGenerator(3)
    for _ in 0..<8_000 {
      var text = JSONText.write(Value.random(&dice, depth: 2))
      for _ in 0..<Int.random(in: 1..<4, using: &dice) where !text.isEmpty {
        let place = Int.random(in: 0..<text.count, using: &dice)
        switch Int.random(in: 0..<3, using: &dice) {
        case 0: text[place] = UInt8.random(in: 0...255, using: &dice)
        case 1: text.remove(at: place)
        default: text.insert(text.randomElement(using: &dice)!, at: place)
        }
      }
      let (ours, theirs) = (own(text), jansson(text))
      if ours != theirs { Issue.record("\(text): \(shown(ours)), jansson: \(shown(theirs))") }
    }
  }

  @Test func numbersAreCorrectlyRounded() throws {
    var dice = SeededGenerator(4)
    func check(_ text: String) throws {
      let expected = Double(text)!
      let read = try? JSONText.read(Array(text.utf8))
      let isRight = expected.isFinite ? read?.double?.bitPattern == expected.bitPattern : read == nil
      if !isRight { Issue.record("\(text): \(shown(read))") }
    }
    for text in [
      "0.1", "1e23", "9007199254740993.0", "9007199254740992.5", "2.2250738585072011e-308", "4.9e-324", "2.5e-324",
      "2.4703282292062327e-324", "2.4703282292062328e-324", "1.7976931348623157e308", "1.7976931348623158e308",
      "1.7976931348623159e308", "1e-400", "0e999999999999", "-0.0", "1e309", "123456789012345678901234567890.0",
      "0.500000000000000166533453693773481063544750213623046875",
    ] { try check(text) }
    // Exactly halfway between two doubles, except for a digit more than 800 digits later, which decides.
    let between = "9007199254740993." + String(repeating: "0", count: 900)
    try check(between)
    try check(between + "1")
    for _ in 0..<10_000 {
      var digits = String(dice.next())
      if Bool.random(using: &dice) { digits += String(dice.next()) }
      digits.insert(".", at: digits.index(after: digits.startIndex))
      try check("\(digits)e\(Int.random(in: -345...310, using: &dice))")
      let value = Double(bitPattern: dice.next())
      if value.isFinite { try check("\(value)") }
    }
  }

  @Test func errorsNameTheProblemAndItsOffset() {
    func message(_ text: String) -> String? {
      do throws(AgentError) {
        _ = try JSONText.read(Array(text.utf8))
        return nil
      } catch {
        return error.description
      }
    }
    #expect(message(#"{"a":1,"a":2}"#) == "invalid: not JSON: expected a key that is not a duplicate at byte 7")
    #expect(message("[1,]") == "invalid: not JSON: expected a value at byte 3")
    #expect(message("") == "invalid: not JSON: expected a value at byte 0")
    #expect(message("{} x") == "invalid: not JSON: expected the end of the text at byte 3")
    #expect(message("9223372036854775808") == "invalid: not JSON: expected an integer of 64 bits at byte 0")
    let deep = String(repeating: "[", count: 64) + String(repeating: "]", count: 64)
    #expect(message(deep) == nil)
    #expect(
      message("[\(deep)]") == "invalid: not JSON: expected at most 64 nested lists and maps at byte 64")
  }

  /// The check for duplicate keys uses a hash table: 100,000 keys must not take quadratic time.
  @Test func manyKeysTakeLinearTime() throws {
    let fields = Fields(uniquePairs: (0..<100_000).map { ("key \($0)", .int($0)) })
    var text = JSONText.write(.map(fields))
    #expect(try JSONText.read(text).map?.count == 100_000)
    text.removeLast()
    text += Array(",\"key 77777\":0}".utf8)
    #expect(own(text) == nil)
  }
}
