import ChatCompletion
import LanguageModel
import Model
import ModelServerKit
import ServerSentEvents
import TestKit
import Testing

/// Answers as bytes, without a server.
@Suite struct AnswerTests {
  private static func head(_ type: String, _ status: String = "200 OK", _ fields: [String] = []) -> [String] {
    ["HTTP/1.1 \(status)\r\n", "Content-Type: \(type)\r\n"] + fields.map { "\($0)\r\n" } + ["\r\n"]
  }

  /// Reads a whole answer in pieces of `size` bytes.
  private func read(
    _ body: String, type: String = "text/event-stream", status: String = "200 OK", size: Int = .max,
    isRegular: Bool = true, longest: Int = 1 << 22, key: String = ""
  ) throws(Flaw) -> (pieces: [Piece], ending: Answer.Ending) {
    var answer = Answer(longest: longest, hiding: Array(key.utf8))
    for line in Self.head(type, status) { try answer.readHead(Array(line.utf8)) }
    var pieces: [Piece] = []
    var rest = Array(body.utf8)[...]
    while !rest.isEmpty {
      pieces += try answer.readBody(Array(rest.prefix(size)))
      rest = rest.dropFirst(size)
    }
    let ending = try answer.finish(isRegular: isRegular)
    return (pieces + ending.pieces, ending)
  }

  private func flaw(
    _ body: String, type: String = "text/event-stream", status: String = "200 OK", longest: Int = 1 << 22,
    key: String = ""
  ) -> Flaw? {
    do throws(Flaw) {
      _ = try read(body, type: type, status: status, longest: longest, key: key)
      return nil
    } catch {
      return error
    }
  }

  private static func text(_ pieces: [Piece]) -> String {
    pieces.map { if case .text(let text) = $0 { text } else { "" } }.joined()
  }

  /// A server may repeat the key that it was sent. Wherever the pieces are cut, it is nowhere in the answer.
  @Test func aRepeatedKeyIsHidden() throws {
    let key = "sk-sk-secret"
    func call(_ arguments: String) -> String {
      #"{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"\#(key)","function":{"name":"f","arguments":"\#(arguments)"}}]}}]}"#
    }
    let texts = ["my key is sk-", "sk-sk-se", "cret, sk-s", "k-secret and sk-sk-"]
    let chunks = texts.map { ModelServer.chunk($0) } + [call("{\\\"a\\\":\\\"sk-sk-sec"), call("ret\\\"}")]
    let body = (chunks + [#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#, "[DONE]"]).map { "data: \($0)\n\n" }
      .joined()
    let (pieces, _) = try read(body, key: key)
    #expect(Self.text(pieces) == "my key is sk-[key], [key] and sk-sk-")
    let arguments = pieces.map { if case .arguments(_, let text) = $0 { text } else { "" } }.joined()
    #expect(arguments == #"{"a":"[key]"}"#)
    #expect(!"\(pieces)".contains("secret"))
  }

  @Test func anEscapedZeroCostsACharacterAndNotTheAnswer() throws {
    let body = #"{"choices":[{"message":{"content":"a\u0000b\\u0000c\\\u0000"},"finish_reason":"stop"}]}"#
    let (pieces, _) = try read(body, type: "application/json")
    #expect(Self.text(pieces) == "a\u{FFFD}b\\u0000c\\\u{FFFD}")
  }

  /// WHATWG HTML, 9.2.6: three kinds of line ends, comments, a byte order mark, several lines of data.
  @Test(arguments: ["\n", "\r\n", "\r"]) func linesEndInThreeWays(_ end: String) throws {
    let lines = [
      "\u{FEFF}: a comment", "data: \(ModelServer.chunk("größer"))", "", ":", "event: message", "id: 7", "retry: 10",
      "data:\(ModelServer.chunk(" 😀"))", "", "data: {\"choices\":[{\"delta\":{},",
      "data:  \"finish_reason\":\"stop\"}]}", "",
      "data: \(ModelServer.usage(5, 2, cached: 4))", "", "data", "data: [DONE]",
    ]
    // A line without a value makes the event "\n[DONE]": not the end. Left out here, tested below.
    let body = lines.filter { $0 != "data" }.joined(separator: end) + end + end
    for size in 1...40 {
      let (pieces, ending) = try read(body, size: size)
      #expect(Self.text(pieces) == "größer 😀", "in pieces of \(size)")
      #expect(ending.finish == "stop")
      #expect(ending.usage == LanguageModelUsage(prompt: 5, completion: 2, cached: 4))
    }
  }

  @Test func anEndOfTheStreamEndsTheLastEvent() throws {
    let body = "data: \(ModelServer.chunk("a"))\n\ndata: \(ModelServer.finish())"
    #expect(try read(body).ending.finish == "stop")
    #expect(flaw("data: \(ModelServer.chunk("a"))\n\n")?.kind == .lost)
    #expect(flaw("")?.kind == .lost)
    #expect(flaw("data: [DONE]\n\n")?.kind == .malformed)
  }

  @Test func toolCallsComeByIndexInPieces() throws {
    let body = [
      #"{"choices":[{"delta":{"role":"assistant","content":null}}]}"#,
      #"{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"fan","arguments":""}}]}}]}"#,
      #"{"choices":[{"delta":{"tool_calls":[{"index":1,"id":"b","function":{"name":"valve","arguments":"{\"x"}}]}}]}"#,
      #"{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{}"}},{"index":1,"function":{"arguments":"\":1}"}}]}}]}"#,
      ModelServer.finish("tool_calls"), "[DONE]",
    ].map { "data: \($0)\n\n" }.joined()
    let (pieces, ending) = try read(body)
    #expect(
      pieces == [
        .toolCall(index: 0, id: "a", name: "fan"), .toolCall(index: 1, id: "b", name: "valve"),
        .arguments(index: 1, "{\"x"), .arguments(index: 0, "{}"), .arguments(index: 1, "\":1}"),
      ])
    #expect(ending.finish == "tool_calls" && ending.usage == nil)
  }

  /// Servers differ: no index, no identifier, arguments as an object, the name in every delta.
  @Test func callsOfOtherServersAreUnderstood() throws {
    let body = [
      #"{"choices":[{"delta":{"tool_calls":[{"id":"a","function":{"name":"fan","arguments":{"on":true}}}]}}]}"#,
      #"{"choices":[{"delta":{"tool_calls":[{"id":"b","function":{"name":"fan","arguments":"{"}}]}}]}"#,
      #"{"choices":[{"delta":{"tool_calls":[{"id":"b","function":{"name":"fan","arguments":"}"}}]}}]}"#,
      #"{"choices":[{"delta":{"tool_calls":[{"index":9,"function":{"name":"fan"}}]}}]}"#, ModelServer.finish(),
    ].map { "data: \($0)\n\n" }.joined()
    #expect(
      try read(body).pieces == [
        .toolCall(index: 0, id: "a", name: "fan"), .arguments(index: 0, #"{"on":true}"#),
        .toolCall(index: 1, id: "b", name: "fan"), .arguments(index: 1, "{"), .arguments(index: 1, "}"),
        .toolCall(index: 9, id: "call_9", name: "fan"),
      ])
  }

  @Test(arguments: [
    #"{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{}"}}]}}]}"#,
    #"{"choices":[{"delta":{"tool_calls":[{"index":-1,"function":{"name":"a"}}]}}]}"#,
    #"{"choices":[{"delta":{"tool_calls":[{"index":1e9,"function":{"name":"a"}}]}}]}"#,
    #"{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"name":"a b"}}]}}]}"#,
    #"{"id":1}"#, "{", "null", "[]", #"{"choices":{}}"#, "\u{1B}[2J",
  ]) func whatIsNoChunkIsMalformed(_ data: String) throws {
    let flaw = try #require(self.flaw("data: \(data)\n\n"))
    #expect(flaw.kind == .malformed)
    #expect(flaw.sentence.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }, "\(flaw.sentence)")
  }

  /// An index is one of 1,024, also where the server leaves it out and the place of the call, or the next index, is taken.
  @Test(arguments: [
    #"{"index":0,"function":{"name":"a"}},\#(String(repeating: #"{"index":0},"#, count: 70_000)){"function":{"name":"b"}}"#,
    #"{"index":1023,"function":{"name":"a"}},{"id":"x","function":{"name":"b"}}"#,
  ]) func anIndexIsBounded(_ calls: String) throws {
    let flaw = try #require(self.flaw("data: {\"choices\":[{\"delta\":{\"tool_calls\":[\(calls)]}}]}\n\n"))
    #expect(flaw.kind == .malformed && flaw.sentence.contains("an index that is none"), "\(flaw)")
  }

  /// A server that lies about usage, or does not know it, has said nothing.
  @Test(arguments: [
    "null", "{}", #"{"prompt_tokens":-1,"completion_tokens":1}"#, #"{"prompt_tokens":1e30,"completion_tokens":1}"#,
    #"{"prompt_tokens":"5","completion_tokens":1}"#, #"{"prompt_tokens":5}"#,
    #"{"prompt_tokens":5.5,"completion_tokens":4294967296}"#, "[]",
  ]) func nonsenseIsNoUsage(_ usage: String) throws {
    let body = "data: \(ModelServer.finish())\n\ndata: {\"choices\":[],\"usage\":\(usage)}\n\ndata: [DONE]\n\n"
    #expect(try read(body).ending.usage == nil)
  }

  @Test func oneObjectIsAnAnswer() throws {
    let body = """
      {"id":"x","choices":[{"index":0,"message":{"role":"assistant","content":"yes","tool_calls":[{"id":"a",
      "type":"function","function":{"name":"fan","arguments":"{}"}}]},"finish_reason":"tool_calls"}],
      "usage":{"prompt_tokens":3,"completion_tokens":1}}
      """
    for size in [1, 7, .max] {
      let (pieces, ending) = try read(body, type: "application/json; charset=utf-8", size: size)
      #expect(pieces == [.text("yes"), .toolCall(index: 0, id: "a", name: "fan"), .arguments(index: 0, "{}")])
      #expect(ending.usage == LanguageModelUsage(prompt: 3, completion: 1))
    }
    #expect(flaw("{}", type: "application/json")?.kind == .malformed)
    #expect(flaw(#"{"choices":[]}"#, type: "application/json")?.kind == .malformed)
    #expect(flaw(#"{"error":{"message":"no"}}"#, type: "application/json")?.kind == .errorInStream)
  }

  @Test func brokenCharactersAreReplaced() throws {
    var answer = Answer(longest: 1000, hiding: [])
    for line in Self.head("text/event-stream") { try answer.readHead(Array(line.utf8)) }
    let bytes = Array(#"data: {"choices":[{"delta":{"content":"a"#.utf8) + [0xFF, 0xC3] + Array("\"}}]}\n\n".utf8)
    #expect(try answer.readBody(bytes) == [.text("a\u{FFFD}\u{FFFD}")])
  }

  @Test func nothingIsLongerThanAllowed() {
    let chunk = "data: \(ModelServer.chunk("abc"))\n\n"
    #expect(flaw(String(repeating: chunk, count: 20), longest: chunk.utf8.count * 20 - 1)?.kind == .tooLong)
    #expect(flaw(String(repeating: chunk, count: 20), longest: chunk.utf8.count * 20)?.kind == .lost)
    let event = String(repeating: "x", count: EventStream.longestEvent + 1)
    #expect(flaw("data: \(event)")?.kind == .tooLong)
    #expect(flaw(event, type: "application/json")?.kind == .tooLong)
    #expect(flaw(String(repeating: ": \n", count: 10) + event)?.kind == .tooLong)
  }

  @Test func anEndlessHeadIsMalformed() {
    var answer = Answer(longest: 1000, hiding: [])
    #expect {
      while true { try answer.readHead(Array("X-Field: \(String(repeating: "x", count: 100))\r\n".utf8)) }
    } throws: { ($0 as? Flaw)?.kind == .malformed }
  }

  /// The words of a server are quoted, without the key, without what controls a terminal, and cut.
  @Test(arguments: [
    (#"{"error":{"message":"no sk-secret-1 here"}}"#, #": "no [key] here""#), (#"{"error":"plain"}"#, #": "plain""#),
    (#"{"detail":"not found"}"#, #": "not found""#), ("<html>\u{1B}[2J", #": "<html>\u{1b}[2J""#), ("", ""),
    (#"{"message":"sk-secret-1sk-secret-1"}"#, #": "[key][key]""#),
  ]) func theServersWordsAreQuoted(_ body: String, _ end: String) throws {
    let flaw = try #require(self.flaw(body, type: "text/html", status: "400 Bad Request", key: "sk-secret-1"))
    #expect(flaw.kind == .refused)
    #expect(flaw.sentence == "the server refuses the request (HTTP 400)\(end)")
  }

  /// Also keys that what stands for them contains.
  @Test(arguments: [
    ("k", "a k", "a [key]"), ("e", "yes", "y[key]s"), ("key", "monkey", "mon[key]"), ("]", "[]]", "[[key][key]"),
    ("[key]", "[key][key", "[key][key"), ("aa", "aaa", "[key]a"), ("long", "lon", "lon"), ("", "key", "key"),
  ]) func anyKeyIsHidden(_ key: String, _ text: String, _ shown: String) {
    #expect(Quotation(hiding: Array(key.utf8))(text.utf8) == shown)
  }

  @Test func aQuotationIsCut() throws {
    let flaw = try #require(self.flaw(String(repeating: "ä", count: 50_000), status: "500 Internal Server Error"))
    #expect(flaw.kind == .serverFailed)
    #expect(flaw.sentence.hasSuffix("\(String(repeating: "ä", count: 100))\""))
    #expect(flaw.sentence.utf8.count <= Quotation.longest + 60)
    // An endless error is cut off.
    #expect(self.flaw(String(repeating: "x", count: 1 << 20), status: "404 Not Found")?.kind == .refused)
  }

  @Test(arguments: [
    #"{"error":{"code":400,"type":"exceed_context_size_error","message":"m","n_ctx":4096}}"#,
    #"{"error":{"code":"context_length_exceeded","type":"invalid_request_error","message":"m"}}"#,
    #"{"object":"error","message":"This model's maximum context length is 4096 tokens","code":400}"#,
  ]) func aLongRequestIsTold(_ body: String) {
    #expect(flaw(body, type: "application/json", status: "400 Bad Request")?.kind == .contextExceeded)
    #expect(flaw("data: \(body)\n\n")?.kind == .contextExceeded)
  }

  @Test(arguments: [
    ("https://user:word@other.example:8443/x?y", "other.example:8443"), ("//other.example", "other.example"),
    ("/path", "another place"), ("", "another place"), ("https://[fd00::1]/", "[fd00::1]"),
    ("https://\u{1B}[2J/", "\\u{1b}[2J"),
  ]) func aRedirectionNamesTheHost(_ location: String, _ place: String) {
    var answer = Answer(longest: 1000, hiding: [])
    #expect {
      for line in Self.head("text/html", "307 Temporary Redirect", ["Location: \(location)"]) {
        try answer.readHead(Array(line.utf8))
      }
    } throws: { error in
      guard let flaw = error as? Flaw else { return false }
      return flaw.kind == .redirected && flaw.sentence.contains("(307) to \(place), which is not followed")
    }
  }

  @Test func retryAfterIsReadInAllItsForms() throws {
    func read(_ fields: [String], now: Int64 = 1000) throws -> UInt32? {
      var answer = Answer(longest: 1000, hiding: [])
      for line in Self.head("text/plain", "429 Too Many Requests", fields) { try answer.readHead(Array(line.utf8)) }
      return answer.retryAfter(now: now) {
        $0.elementsEqual("the date".utf8) ? 1010 : $0.elementsEqual("its date".utf8) ? 1004 : nil
      }
    }
    #expect(try read([]) == nil)
    #expect(try read(["Retry-After: 3"]) == 3000)
    #expect(try read(["Retry-After: 0"]) == 0)
    #expect(try read(["retry-after: 1.5"]) == 1000)
    #expect(try read(["Retry-After: 999999999"]) == 86_400_000)
    #expect(try read(["Retry-After: the date"]) == 10_000)
    #expect(try read(["Retry-After: the date"], now: 2000) == 0)
    // The board's clock may be wrong; the server's is its own.
    #expect(try read(["Date: its date", "Retry-After: the date"], now: 2000) == 6000)
    #expect(try read(["Retry-After: -1"]) == nil)
    #expect(try read(["Retry-After: soon"]) == nil)
    #expect(try read(["Retry-After: 7", "retry-after-ms: 250"]) == 250)
  }

  @Test func heads1xxAreForgotten() throws {
    var answer = Answer(longest: 1000, hiding: [])
    for line in ["HTTP/1.1 103 Early Hints\r\n", "Content-Type: text/html\r\n", "\r\n"] + Self.head("text/event-stream")
    {
      try answer.readHead(Array(line.utf8))
    }
    #expect(try answer.readBody(Array("data: \(ModelServer.chunk("a"))\n\n".utf8)) == [.text("a")])
  }

  /// Whatever comes: no trap, the same in any pieces, and sentences that a terminal may show.
  @Test func damagedAnswersAreTheSameInAnyPieces() {
    var random = SeededGenerator(17)
    let whole = Array(
      ([ModelServer.chunk("größer"), ModelServer.finish(), ModelServer.usage(1, 2), "[DONE]"]
        .map { "data: \($0)\r\n\r\n" }.joined()).utf8)
    func outcome(_ bytes: [UInt8], _ type: String, _ size: Int) -> String {
      var answer = Answer(longest: 4096, hiding: [])
      var pieces: [Piece] = []
      do throws(Flaw) {
        for line in Self.head(type) { try answer.readHead(Array(line.utf8)) }
        var rest = bytes[...]
        while !rest.isEmpty {
          pieces += try answer.readBody(Array(rest.prefix(size)))
          rest = rest.dropFirst(size)
        }
        return "\(pieces) \(try answer.finish(isRegular: true))"
      } catch {
        #expect(error.sentence.utf8.count < LanguageModelFailure.longestSentence)
        #expect(error.sentence == error.sentence.printable)
        return "\(error)"
      }
    }
    for _ in 0..<3000 {
      var bytes = whole
      for _ in 0..<Int.random(in: 0...4, using: &random) {
        let place = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0...2, using: &random) {
        case 0: bytes[place] = UInt8.random(in: .min ... .max, using: &random)
        case 1: bytes.remove(at: place)
        default: bytes.insert(UInt8.random(in: .min ... .max, using: &random), at: place)
        }
      }
      let type = Bool.random(using: &random) ? "text/event-stream" : "application/json"
      #expect(outcome(bytes, type, .max) == outcome(bytes, type, Int.random(in: 1...9, using: &random)))
    }
  }
}
