import Document
import Model
import RPC
import TestKit
import Testing
import Wire

@Suite struct MessageTests {
  private func read(_ text: String) throws(MalformedMessage) -> Message { try Message(Array(text.utf8)[...]) }

  private func error(_ text: String) -> MalformedMessage? {
    do throws(MalformedMessage) {
      _ = try read(text)
      return nil
    } catch {
      return error
    }
  }

  @Test func bothFormsOfARequestAreRead() throws {
    let standard = try read(#"{"jsonrpc":"2.0","id":"a","method":"agent.ping","params":{"agent":"x"}}"#)
    #expect(standard == .request(Request(id: .text("a"), method: "agent.ping", params: ["agent": "x"])))
    let upstream = try read(#"{"id":1,"method":"agent.ping"}"#)
    #expect(upstream == .request(Request(id: .number(1), method: "agent.ping", dialect: .upstream)))
    let event = try read(#"{"event":"agent.output","data":{"text":"hi"}}"#)
    #expect(event == .request(Request(id: nil, method: "agent.output", params: ["text": "hi"], dialect: .upstream)))
  }

  @Test func answersMirrorTheForm() {
    let standard = Response(id: .number(1), .success(["pong": true])).encoded()
    #expect(String(decoding: standard, as: UTF8.self) == #"{"jsonrpc":"2.0","id":1,"result":{"pong":true}}"# + "\n")
    let error = RPCError(.methodNotFound, "no")
    let upstream = Response(id: .number(1), .failure(error), dialect: .upstream).encoded()
    #expect(
      String(decoding: upstream, as: UTF8.self) == #"{"id":1,"error":{"code":-32601,"message":"no"}}"# + "\n")
  }

  @Test(arguments: [Dialect.jsonRPC, .upstream]) func everythingWrittenReadsBack(dialect: Dialect) throws {
    let requests = [
      Request(id: .number(.min), method: "m", params: ["a": [1, nil, "ü\n"]], dialect: dialect),
      Request(id: .text(""), method: "m", dialect: dialect), Request(id: nil, method: "m", dialect: dialect),
    ]
    for request in requests {
      #expect(try Message(request.encoded().dropLast()) == .request(request))
    }
    let responses = [
      Response(id: .text("x"), .success(.null), dialect: dialect),
      Response(id: nil, .failure(RPCError(.deviceBusy, "held", data: ["holder": "a"], hint: "wait")), dialect: dialect),
    ]
    for response in responses {
      #expect(try Message(response.encoded().dropLast()) == .response(response))
    }
  }

  @Test(arguments: [
    ("", RPCError.Code.parseError), ("{", .parseError), ("hello", .parseError), ("{}{}", .parseError),
    ("{\"id\":1,\"id\":2}", .parseError), ("[]", .invalidRequest), ("[{\"id\":1,\"method\":\"a\"}]", .invalidRequest),
    ("3", .invalidRequest), ("null", .invalidRequest), ("{}", .invalidRequest), ("{\"id\":1}", .invalidRequest),
    ("{\"id\":1,\"method\":\"\"}", .invalidRequest), ("{\"id\":1,\"method\":7}", .invalidRequest),
    ("{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"a\"}", .invalidRequest),
    ("{\"id\":1.5,\"method\":\"a\"}", .invalidRequest), ("{\"id\":{},\"method\":\"a\"}", .invalidRequest),
    ("{\"id\":1,\"method\":\"a\",\"params\":[1]}", .invalidParams),
    ("{\"id\":1,\"method\":\"a\",\"params\":\"x\"}", .invalidParams),
    ("{\"id\":1,\"error\":\"x\"}", .invalidRequest),
  ])
  func malformedMessagesAreExplained(text: String, code: RPCError.Code) throws {
    let malformed = try #require(error(text))
    #expect(malformed.error.known == code)
    #expect(malformed.error.hint?.isEmpty == false)
  }

  @Test func theIdOfABadRequestIsKept() {
    let malformed = error(#"{"jsonrpc":"2.0","id":9,"method":"a","params":[]}"#)
    #expect(malformed?.id == .number(9))
    #expect(malformed?.dialect == .jsonRPC)
  }

  @Test func anIdLongerThan256BytesIsRefused() {
    let id = String(repeating: "i", count: 257)
    #expect(error(#"{"id":"\#(id)","method":"a"}"#)?.error.known == .invalidRequest)
  }

  @Test(arguments: [[0xFF, 0xFE], [0xC3], [0xED, 0xA0, 0x80], [0]] as [[UInt8]])
  func bytesThatAreNotTextAreRefused(bytes: [UInt8]) {
    let line = Array(#"{"id":1,"method":""#.utf8) + bytes + Array(#""}"#.utf8)
    #expect(throws: MalformedMessage.self) { _ = try Message(line[...]) }
  }

  @Test(arguments: 0..<30 as Range<UInt64>) func damagedMessagesNeverTrap(seed: UInt64) {
    var random = SeededGenerator(seed)
    let whole = Array(#"{"jsonrpc":"2.0","id":12,"method":"hal.control","params":{"device":"fan","command":0.5}}"#.utf8)
    for _ in 0..<200 {
      var line = whole
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        let index = Int.random(in: 0..<line.count, using: &random)
        switch Int.random(in: 0..<3, using: &random) {
        case 0: line[index] = UInt8.random(in: 0...255, using: &random)
        case 1: line.remove(at: index)
        default: line.insert(UInt8.random(in: 0...255, using: &random), at: index)
        }
      }
      do throws(MalformedMessage) {
        // A parsed message must survive encoding and parsing.
        switch try Message(line[...]) {
        case .request(let request): #expect((try? Message(request.encoded().dropLast())) == .request(request))
        case .response(let response): #expect((try? Message(response.encoded().dropLast())) == .response(response))
        }
      } catch {
        #expect(error.error.known != nil)
      }
    }
  }

  @Test func errorsWithDataOfAnyKindAreRead() {
    #expect(RPCError(["code": -1, "message": "x", "data": "text"])?.data == ["value": "text"])
    #expect(RPCError(["code": -1, "message": "x"])?.known == nil)
    #expect(RPCError(["code": "x", "message": "x"]) == nil)
  }

  @Test func eventsSurviveTheWire() throws {
    let event = Event(
      id: try #require(ULID("01ARZ3NDEKTSV4RRFFQ69G5FAV")), type: "git:commit_pushed", time: 5,
      clockSynchronised: true, monotonic: 7, source: "client/alice",
      cause: ULID(high: 1, low: 2), trace: ULID(high: 1, low: 1), depth: 2, priority: .low, payload: ["a": [1, 2.5]])
    let text = JSON.encode(.map(event.fields))
    #expect(try Event(JSON.decode(text[...])) == event)
    #expect(throws: AgentError(.invalid, "an event without a valid 'id'")) { try Event(fields: ["id": "x"]) }
  }
}
