import Companion
import TestKit
import Testing

@testable import openstarry_launcher

/// What is taken out of a container engine's answers, and put into what it is asked.
@Suite struct EngineTextTests {
  private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }
  private func text(_ bytes: [UInt8]?) -> String? { bytes.map { String(decoding: $0, as: UTF8.self) } }

  @Test(arguments: [
    (#"{"Id":"ab","State":{"Pid":7}}"#, "ab"), (#" { "x" : [1, {"Id":"no"}] , "Id" : "ab" } "#, "ab"),
    (#"{"a":"\"Id\":\"no\",","Id":"ab"}"#, "ab"), (#"{"\"Id":"no","Id":"ab"}"#, "ab"), (#"{"Id":"a\"b"}"#, ""),
  ]) func fieldsOfThisObjectAlone(_ object: String, _ id: String) {
    #expect(text(bytes(object).field("Id")?.unquoted) == id)
  }

  @Test func nestedFieldsAndAbsentOnes() {
    let answer = bytes(#"{"Config":{"Entrypoint":["/a b","c,\"]"],"Cmd":null,"Volumes":{}},"Size":12}"#)
    let config = answer.field("Config")
    #expect(config?.field("Entrypoint")?.elements.map { text($0) } == [#""/a b""#, #""c,\"]""#])
    #expect(text(config?.field("Cmd")) == "null" && config?.field("Cmd")?.elements == [])
    #expect(text(answer.field("Size")) == "12" && answer.field("Labels") == nil)
    #expect(bytes("[1, [2, 3], {\"a\":4}]").elements.map { text($0) } == ["1", "[2, 3]", "{\"a\":4}"])
    #expect(bytes("[]").elements == [] && bytes("7").field("a") == nil)
  }

  @Test(arguments: [
    (#""a \"b\" \\ \/ c""#, #"a "b" \ / c"#), (#""a\nb\tc""#, "a b c"), (#""\u00e4\u20ac\u0041\u0007|""#, "ä€A |"),
    (#""\ud83d\ude00""#, "??"), (#""\u00g0""#, "?"), (#""\u00""#, "u00"), (#""""#, ""), (#"7"#, ""), (#"""#, ""),
  ]) func textIsForPeople(_ value: String, _ plain: String) {
    #expect(text(bytes(value).plain) == plain)
  }

  /// Whatever an engine sends, the result is one line of text.
  @Test(arguments: UInt64(0)..<200) func anyTextBecomesOneLine(_ seed: UInt64) {
    var dice = SeededGenerator(seed)
    let letters = Array(#"\\\\uunt"d8aF0/"#.utf8) + [0x00, 0x0A, 0x1F, 0xC3]
    let body = (0..<Int.random(in: 0..<40, using: &dice)).map { _ in letters.randomElement(using: &dice) ?? 0 }
    let plain = ([0x22] + body + [0x22]).plain
    #expect(plain.allSatisfy { $0 >= 0x20 } && plain.count <= body.count)
  }

  @Test func placesAreFilled() {
    #expect(
      text(bytes(#"{"a":["{{x}}"],"b":"{{y}}"}"#).replacing("\"{{x}}\"", with: bytes("1,2")))
        == #"{"a":[1,2],"b":"{{y}}"}"#)
    #expect(bytes("").replacing("{{x}}", with: [1]) == [] && text(bytes("{{x").replacing("{{x}}", with: [])) == "{{x")
  }

  @Test func answersHaveACodeAndABody() {
    let answer = EngineConnection.answer(bytes("HTTP/1.0 201 Created\r\nA: b\r\n\r\n{\"Id\":\"ab\"}"))
    #expect(answer.code == 201 && text(answer.body) == "{\"Id\":\"ab\"}")
    #expect(EngineConnection.answer(bytes("HTTP/1.1 101 UPGRADED\r\n\r\n")).code == 101)
    for broken in ["", "HTTP/1.0", "SSH-2.0-OpenSSH_9.2 and more", "HTTP/1.0 xyz"] {
      #expect(EngineConnection.answer(bytes(broken)).code == 0, "\(broken)")
    }
  }

  /// Whatever an engine answers, reading it ends and stays inside the text.
  @Test func damagedAnswersNeverTrap() {
    let whole = bytes(#"{"Id":"a\\b","Config":{"Cmd":["x",{"y":[1,2]}],"Volumes":null},"OOMKilled":true}"#)
    var random = SystemRandomNumberGenerator()
    for _ in 0..<5000 {
      var part = Array(whole.prefix(Int.random(in: 0...whole.count, using: &random)))
      for _ in 0..<Int.random(in: 0...4, using: &random) where !part.isEmpty {
        part[Int.random(in: 0..<part.count, using: &random)] = bytes("{}[]\",:\\ x").randomElement(using: &random)!
      }
      for name: StaticString in ["Id", "Config", "OOMKilled"] {
        let value = part.field(name)
        _ = value?.unquoted
        _ = value?.elements
        _ = value?.field("Cmd")?.elements
      }
      _ = EngineConnection.answer(bytes("HTTP/1.0 200 OK\r\n\r\n") + part)
    }
  }
}
