import CEL
import TestKit
import Testing

/// Base 64, with the cases of cel-spec's encoders_ext.textproto.
@Suite struct EncoderTests {
  @Test func base64() {
    expect("base64.encode(b'hello')", "aGVsbG8=")
    expect("base64.decode('aGVsbG8=')", .bytes(Array("hello".utf8)))
    expect("base64.decode('aGVsbG8')", .bytes(Array("hello".utf8)))
    expect("base64.decode('aGVs\\nbG8=\\r\\n')", .bytes(Array("hello".utf8)))
    expect("base64.decode(base64.encode(b'Hello World!')) == b'Hello World!'", true)
    expect("base64.encode(b'')", "")
    expect("base64.decode('')", .bytes([]))
    expect("base64.encode(b'\\xFB\\xFF')", "+/8=")
  }

  @Test func failures() {
    for text in ["a", "=", "====", "a===", "aGVsbG8-", "aGVs=bG8", "aGVsbG8==", "é", "aGVs bG8="] {
      expectRefused("base64.decode('\(text)')", saying: "not base 64")
      expectFailure("base64.decode(x)", ["x": .string(text)], saying: "not base 64")
    }
    expectRefused("base64.encode('text')")
    expectRefused("base64.decode(b'text')")
    expectRefused("base64.decode()")
    let long = CELValue.bytes([UInt8](repeating: 7, count: 200_000))
    expectFailure("lists.range(5).all(i, base64.decode(base64.encode(x)) == x)", ["x": long], kind: .limit)
  }

  @Test func anyBytesSurviveTheRoundTrip() throws {
    var dice = SeededGenerator(36)
    let program = try CELProgram("base64.decode(base64.encode(x)) == x && base64.encode(x).size() % 4 == 0")
    for _ in 0..<1000 {
      let bytes = (0..<Int.random(in: 0...40, using: &dice)).map { _ in UInt8.random(in: 0...255, using: &dice) }
      #expect(try program.evaluate(CELVariables(["x": .bytes(bytes)])) == true)
    }
  }
}
