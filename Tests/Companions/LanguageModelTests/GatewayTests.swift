import LanguageModel
import LanguageModelClient
import ModelServerKit
import OpenStarryAgent
import TestKit
import Testing

/// The program and the link against a server that keeps to the API.
@Suite(.enabled(if: ModelServer.absence == nil, "there is no /usr/bin/python3")) struct GatewayTests {
  private static let hello = [
    ModelServer.chunk("Hel"), ModelServer.chunk("lo"), ModelServer.finish(), ModelServer.usage(9, 2, cached: 3),
    "[DONE]",
  ]

  @Test func anAnswerComesInPieces() throws {
    let server = try ModelServer()
    let room = try Room()
    let call = room.ask(
      try server.url("hello", [ModelServer.stream(Self.hello)]), body: Array(#"{"stream":true}"#.utf8))
    #expect(call.text == "Hello")
    #expect(call.finish == "stop")
    #expect(call.usage == LanguageModelUsage(prompt: 9, completion: 2, cached: 3))
    let request = try #require(server.log("hello").first?.fields)
    #expect(request["method"] == "POST")
    #expect(request["body"] == #"{"stream":true}"#)
    let fields = try #require(request["fields"])
    #expect(fields["content-type"] == "application/json" && fields["accept"] == "text/event-stream")
    #expect(fields["authorization"] == nil && fields["expect"] == nil && fields["transfer-encoding"] == nil)
  }

  /// A picture makes a body of megabytes, which goes out as it is.
  @Test func aLargeBodyArrivesWhole() throws {
    let server = try ModelServer()
    let room = try Room()
    let body = [UInt8](repeating: UInt8(ascii: " "), count: 6 << 20)
    let call = room.ask(try server.url("large", [ModelServer.stream(Self.hello)]), body: body)
    #expect(call.text == "Hello")
    let request = try #require(server.log("large").first?.fields)
    #expect(request["length"]?.int == Int64(body.count) && request["fields"]?["expect"] == nil)
  }

  @Test func aServerThatDoesNotStreamIsUnderstood() throws {
    let server = try ModelServer()
    let room = try Room()
    let body = """
      {"choices":[{"message":{"content":null,"tool_calls":[{"id":"a","function":{"name":"fan","arguments":"{\\"on\\":1}"}}]},
      "finish_reason":"tool_calls"}],"usage":{"prompt_tokens":1,"completion_tokens":2}}
      """
    let call = room.ask(try server.url("plain", [ModelServer.response("200 OK", body)]))
    #expect(call.tools == ["0 a fan"] && call.arguments(0) == #"{"on":1}"# && call.finish == "tool_calls")
    #expect(call.usage == LanguageModelUsage(prompt: 1, completion: 2))
  }

  /// Long pieces are split between characters.
  @Test func aLongTextArrivesWhole() throws {
    let server = try ModelServer()
    let room = try Room()
    let text = String(repeating: "a😀größer", count: 20_000)
    let call = room.ask(
      try server.url("long", [ModelServer.stream([ModelServer.chunk(text), ModelServer.finish(), "[DONE]"])]))
    #expect(call.text == text && call.finish == "stop")
  }

  /// HTTP keep-alive; one connection for each call at a time.
  @Test func aConnectionIsUsedAgain() throws {
    let server = try ModelServer()
    let room = try Room()
    let url = try server.url("again", [ModelServer.stream(Self.hello)])
    for _ in 0..<3 { #expect(room.ask(url).text == "Hello") }
    #expect(server.log("again").map(\.connection) == [1, 1, 1])
    // One that the server has closed meanwhile is not.
    let closing = try server.url("closing", [ModelServer.stream(Self.hello), .close])
    var answers = 0
    for _ in 0..<3 {
      let call = room.ask(closing)
      if call.text == "Hello" { answers += 1 }
      // The news of its end may come after the next request was sent.
      #expect(call.text == "Hello" || call.failure?.kind == .lost)
    }
    #expect(answers > 0 && Set(server.log("closing").map(\.connection)).count == answers)
  }

  /// The server may have read a request on a connection that then ends: it is not sent twice.
  @Test func aRequestIsNeverSentTwice() throws {
    let server = try ModelServer()
    let room = try Room()
    let good = try server.url("good", [ModelServer.stream(Self.hello)])
    let bad = try server.url("bad", [.close])
    #expect(room.ask(good).text == "Hello")
    let failure = try #require(room.ask(bad).failure)
    #expect(failure.kind == .lost && failure.wasSent && failure.isCharged, "\(failure)")
    #expect(server.log("bad").count == 1)
    #expect(server.log("bad").first?.connection == server.log("good").first?.connection)
  }

  /// What a server says after its end is of no interest, and an open connection is not waited for.
  @Test func theEndOfTheAnswerIsTheEndOfTheCall() throws {
    let server = try ModelServer()
    let room = try Room()
    let events = Self.hello.map { "data: \($0)\n\n" }.joined()
    let call = room.ask(
      try server.url("open", [ModelServer.streamHead, .text(events), .forever(Array(": x\n".utf8), every: 0.05)]))
    #expect(call.text == "Hello" && call.finish == "stop")
    room.loop.run { server.log("open").last?.what == "gone" }
    #expect(server.log("open").last?.what == "gone")
  }

  @Test func aServerWithoutDONEHasAnswered() throws {
    let server = try ModelServer()
    let room = try Room()
    let events = Self.hello.dropLast().map { "data: \($0)\n\n" }.joined()
    let closed = room.ask(try server.url("closed", [ModelServer.streamHead, .text(events), .close]))
    #expect(closed.finish == "stop" && closed.usage?.prompt == 9)
    // It keeps the connection: the silence after the end of the text is no failure.
    let silent = room.ask(
      try server.url("silent", [ModelServer.streamHead, .text(events), .pause(600)]),
      limits: LanguageModelLimits(connect: 60_000, firstByte: 60_000, idle: 200, total: 60_000))
    #expect(silent.finish == "stop" && silent.usage?.prompt == 9)
  }

  @Test func aServerOnAUnixSocketIsAsked() throws {
    let server = try ModelServer()
    let room = try Room()
    _ = try server.url("local", [ModelServer.stream(Self.hello)])
    let path = server.socket.split(separator: "/").map { "%2F\($0)" }.joined()
    let key = try room.keyFile("key", "sk-1")
    #expect(room.ask("http+unix://\(path)/local/v1/chat/completions", key: key).text == "Hello")
    #expect(server.log("local").first?.fields["fields"]?["authorization"] == "Bearer sk-1")
  }

  /// The unit's environment may name a proxy. This machine is never asked for through it.
  @Test func aProxyIsForOtherMachines() throws {
    let server = try ModelServer()
    let room = try Room(setup: "export http_proxy=http://127.0.0.1:\(server.port("plain"))/")
    let url = try server.url("direct", [ModelServer.stream(Self.hello)])
    #expect(room.ask(url).text == "Hello")
    #expect(server.log("direct").first?.fields["path"]?.string == "/direct/v1/chat/completions")
    _ = try server.url("proxy", [ModelServer.stream(Self.hello)])
    #expect(room.ask("http://model.example/other/v1/chat/completions").text == "Hello")
    #expect(server.log("proxy").first?.fields["path"]?.string == "http://model.example/other/v1/chat/completions")
  }
}
