import Document
import Model
import Testing

@Suite struct EncodingTests {
  @Test(
    arguments: [
      ([0x61, 0x3A, 0x0A, 0x20, 0xC3, 0xA9, 0xFF], "f:2:3: the byte 0xFF is not UTF-8 here; save the text as UTF-8"),
      ([0x22, 0xC3], "f:1:2: the byte 0xC3 is not UTF-8 here; save the text as UTF-8"),
      ([0x22, 0xED, 0xA0, 0x80, 0x22], "f:1:2: the byte 0xED is not UTF-8 here; save the text as UTF-8"),
      ([0x22, 0xC0, 0xAF, 0x22], "f:1:2: the byte 0xC0 is not UTF-8 here; save the text as UTF-8"),
      ([0xFF, 0xFE, 0x61, 0x00], "f:1:1: the text is UTF-16 or binary; save it as UTF-8"),
      ([0xFE, 0xFF, 0x00, 0x61], "f:1:1: the text is UTF-16 or binary; save it as UTF-8"),
      ([0x61, 0x00, 0x3A, 0x00], "f:1:1: the text is UTF-16 or binary; save it as UTF-8"),
      ([0x00, 0x61], "f:1:1: the text is UTF-16 or binary; save it as UTF-8"),
    ] as [([UInt8], String)])
  func isRefused(bytes: [UInt8], message: String) {
    #expect(yaml(bytes) == .problems(message))
    #expect(json(bytes) == .problems(message))
  }

  @Test func protocolMessagesMustBeUTF8Too() {
    let error = #expect(throws: Diagnostic.self) { try JSON.decode([0x5B, 0x22, 0xFF, 0x22, 0x5D][...]) }
    #expect(error?.description == "<message>:1:3: the byte 0xFF is not UTF-8 here; save the text as UTF-8")
  }

  @Test func theFileNameSelectsTheFormat() throws {
    #expect(try DocumentText.parse(Array("{a: 1}".utf8), file: "board.yaml").value == ["a": 1])
    #expect(try DocumentText.parse(Array("{\"a\": 1}".utf8), file: "agent.json").value == ["a": 1])
    let error = #expect(throws: Diagnostics.self) { try DocumentText.parse(Array("{a: 1}".utf8), file: "agent.json") }
    #expect(error?.description == "agent.json:1:2: expected a key in double quotes or '}', found 'a'")
  }
}
