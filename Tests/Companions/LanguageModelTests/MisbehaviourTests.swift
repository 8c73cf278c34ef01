import LanguageModel
import LanguageModelClient
import ModelServerKit
import Testing

/// The program against a server that misbehaves.
@Suite(.enabled(if: ModelServer.absence == nil, "there is no /usr/bin/python3")) struct MisbehaviourTests {
  /// One way to misbehave, and what is said about it.
  struct Case: CustomTestStringConvertible, Sendable {
    var testDescription: String
    var steps: [ModelServer.Step]
    var kind: LanguageModelFailure.Kind
    var status: UInt16
    var retryAfter: UInt32?
    var isCharged: Bool
    var words: String

    init(
      _ name: String, _ steps: [ModelServer.Step], _ kind: LanguageModelFailure.Kind, _ status: UInt16,
      retryAfter: UInt32? = nil, isCharged: Bool = true, _ words: String
    ) {
      testDescription = name
      self.steps = steps
      self.kind = kind
      self.status = status
      self.retryAfter = retryAfter
      self.isCharged = isCharged
      self.words = words
    }

    /// A response with an error's status.
    init(
      _ status: String, _ body: String, fields: String = "", _ kind: LanguageModelFailure.Kind,
      retryAfter: UInt32? = nil, isCharged: Bool = false, _ words: String
    ) {
      self.init(
        status, [ModelServer.response(status, fields: fields, body)], kind, UInt16(status.prefix(3)) ?? 0,
        retryAfter: retryAfter, isCharged: isCharged, words)
    }
  }

  private static func error(_ message: String, _ type: String = "x") -> String {
    #"{"error":{"message":"\#(message)","type":"\#(type)"}}"#
  }
  private static let begin = "data: \(ModelServer.chunk("Once upon"))\n\n"

  static let cases: [Case] = [
    Case("400 Bad Request", error("bad schema"), .refused, "refuses the request (HTTP 400): \"bad schema\""),
    Case(
      "400 Too Long", error("n_ctx 4096", "exceed_context_size_error"), .contextExceeded, "context: \"n_ctx 4096\""),
    Case("401 Unauthorized", error("Invalid API Key"), .refused, "does not accept the key (HTTP 401)"),
    Case("404 Not Found", "", .refused, "check the URL and the model (HTTP 404)"),
    Case("413 Payload Too Large", "<html>", .refused, "too large for the server (HTTP 413): \"<html>\""),
    Case("429 Too Many Requests", error("slow"), .refused, "too many requests (HTTP 429): \"slow\""),
    Case(
      "429 With Seconds", "", fields: "Retry-After: 7\r\n", .refused, retryAfter: 7000, "too many requests"),
    Case(
      "429 With Date", "",
      fields: "Date: Tue, 01 Dec 2026 10:00:00 GMT\r\nRetry-After: Tue, 01 Dec 2026 10:00:30 GMT\r\n", .refused,
      retryAfter: 30_000, "too many requests"),
    Case(
      "503 Service Unavailable", error("Loading model"), fields: "Retry-After: 1\r\n", .serverFailed, retryAfter: 1000,
      "not ready yet (HTTP 503): \"Loading model\""),
    Case(
      "500 Internal Server Error", error("does not match the expected peg-native format"), .serverFailed,
      isCharged: true, "failed (HTTP 500): \"does not match"),
    Case("502 Bad Gateway", "", .serverFailed, isCharged: true, "the server failed (HTTP 502)"),
    Case(
      "302 Found", "", fields: "Location: https://elsewhere.example/v1\r\n", .redirected, isCharged: true,
      "redirects (302) to elsewhere.example, which is not followed"),
    Case(
      "half an error", [.text("HTTP/1.1 401 No\r\nContent-Length: 99\r\n\r\nwh"), .close], .refused, 401,
      isCharged: false, "does not accept the key (HTTP 401): \"wh\""),
    Case(
      "an endless error", [.text("HTTP/1.1 404 No\r\n\r\n"), .forever([0x61], every: 0)], .refused, 404,
      isCharged: false, "(HTTP 404): \"aaaa"),
    Case(
      "error in the stream", [ModelServer.stream([ModelServer.chunk("a"), error("cut off")])], .errorInStream, 200,
      "broke off its answer: \"cut off\""),
    Case("half a stream", [ModelServer.streamHead, .text(begin), .close], .lost, 200, "in the middle of the answer"),
    Case(
      "half a body",
      [.text("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 999\r\n\r\n" + begin), .close],
      .lost, 200, "in the middle of the answer"),
    Case("a reset", [ModelServer.streamHead, .text(begin), .reset], .lost, 200, "in the middle of the answer"),
    Case("no answer", [.close], .lost, 0, "closed the connection before the answer"),
    Case("half a head", [.text("HTTP/1.1 200 OK\r\nContent-"), .close], .lost, 200, "closed the connection"),
    Case("no HTTP", [.text("SSH-2.0-OpenSSH_9.2\r\n"), .close], .malformed, 0, "does not speak HTTP"),
    Case(
      "no length", [.text("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"), .close], .malformed, 200,
      "does not speak HTTP"),
    Case(
      "an endless head", [.text("HTTP/1.1 200 OK\r\n"), .forever(Array("X-Y: zzzzzzzzzzzzzzzz\r\n".utf8), every: 0)],
      .malformed, 200, "head of the answer does not end"),
    Case(
      "HTML", [ModelServer.response("200 OK", type: "text/html; charset=utf-8", "<html>Log in")], .wrongContentType,
      200,
      "Content-Type 'text/html'"),
    Case(
      "no type", [.text("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")], .wrongContentType, 200, "no Content-Type"),
    Case("204", [.text("HTTP/1.1 204 No Content\r\n\r\n")], .wrongContentType, 204, "no Content-Type"),
    Case("no JSON", [ModelServer.stream(["{oops"])], .malformed, 200, "no JSON"),
    Case("no choices", [ModelServer.response("200 OK", "{}")], .malformed, 200, "without 'choices': \"{}\""),
    Case("deep JSON", [ModelServer.stream([String(repeating: "[", count: 100_000)])], .malformed, 200, "no JSON"),
    Case(
      "bad tool", [ModelServer.stream([#"{"choices":[{"delta":{"tool_calls":[{"function":{}}]}}]}"#])], .malformed, 200,
      "without a usable name"),
    Case(
      "an endless stream", [ModelServer.streamHead, .forever(Array(begin.utf8), every: 0)], .tooLong, 200,
      "longer than 1048576 bytes"),
    Case(
      "an endless event", [ModelServer.streamHead, .text("data: "), .forever([0x61], every: 0)], .tooLong, 200,
      "longer than"),
    Case(
      "endless comments", [ModelServer.streamHead, .forever(Array(": x\n".utf8), every: 0)], .tooLong, 200,
      "longer than"),
    Case(
      "bad chunks",
      [
        .text("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), .close,
      ],
      .lost, 200, "in the middle of the answer"),
  ]

  @Test(arguments: cases) func isTold(_ one: Case) throws {
    let server = try ModelServer()
    let room = try Room()
    let url = try server.url("bad", one.steps)
    let failure = try #require(room.ask(url).failure)
    #expect(failure.kind == one.kind, "\(failure)")
    #expect(failure.status == one.status)
    #expect(failure.retryAfter == one.retryAfter)
    #expect(failure.wasSent && failure.isCharged == one.isCharged)
    #expect(failure.sentence.contains(one.words), "\(failure)")
    #expect(server.log("bad").count { $0.what == "request" } == 1)
    // The next call is none the worse for it.
    let good = try server.url(
      "good", [ModelServer.stream([ModelServer.chunk("Hello"), ModelServer.finish(), "[DONE]"])])
    #expect(room.ask(good).text == "Hello")
  }

  @Test func whatCameBeforeTheFailureIsTold() throws {
    let server = try ModelServer()
    let room = try Room()
    let call = room.ask(try server.url("half", [ModelServer.streamHead, .text(Self.begin), .close]))
    #expect(call.text == "Once upon" && call.failure?.kind == .lost)
    #expect(call.news.count { if case .failed = $0 { true } else { false } } == 1)
  }

  @Test func aServerThatIsNotThereIsUnreachable() throws {
    let room = try Room()
    let port = try ModelServer().port("plain")
    let closed = try #require(room.ask("http://127.0.0.1:\(port)/v1/chat/completions").failure)
    #expect(closed.kind == .unreachable && !closed.wasSent, "\(closed)")
    #expect(closed.sentence.contains("127.0.0.1:\(port) cannot be reached"))
    // RFC 6761: there is never such a name.
    let nameless = try #require(room.ask("http://nowhere.invalid/v1/chat/completions").failure)
    #expect(nameless.kind == .unreachable && !nameless.wasSent, "\(nameless)")
  }

  @Test(arguments: [
    ("", "is no URL"), ("ftp://127.0.0.1/x", "neither http nor https"), ("http://", "is no URL"),
    ("file:///etc/passwd", "neither http nor https"), ("http://me:word@127.0.0.1/", "user's name or a password"),
    ("http+unix://x/y", "names no socket"), ("127.0.0.1/x", "is no URL"), ("http://a b/\u{1B}", "is no URL"),
  ]) func whatIsNoURLIsInvalid(_ url: String, _ words: String) throws {
    let failure = try #require(try Room().ask(url).failure)
    #expect(failure.kind == .invalid && !failure.wasSent)
    #expect(failure.sentence.contains(words), "\(failure)")
    #expect(!failure.sentence.contains("word@") && failure.sentence.utf8.allSatisfy { $0 >= 0x20 })
  }

  // MARK: Time

  private func timeOut(_ url: String, _ limits: LanguageModelLimits) throws -> LanguageModelFailure {
    try #require(try Room().ask(url, limits: limits, longest: 1 << 28).failure)
  }

  @Test func aServerThatDoesNotFinishTLSIsNotWaitedFor() throws {
    let server = try ModelServer()
    var limits = LanguageModelLimits.patient
    limits.connect = 200
    let failure = try timeOut("https://127.0.0.1:\(server.port("silent"))/v1/chat/completions", limits)
    #expect(failure.kind == .timedOut(.connect) && !failure.wasSent, "\(failure)")
    #expect(failure.sentence.contains("did not accept the connection within 200ms"))
  }

  @Test func aSilentServerIsNotWaitedFor() throws {
    let server = try ModelServer()
    var limits = LanguageModelLimits.patient
    limits.firstByte = 200
    for steps: [ModelServer.Step] in [[.pause(600)], [ModelServer.streamHead, .pause(600)]] {
      let failure = try timeOut(try server.url("silent", steps), limits)
      #expect(failure.kind == .timedOut(.firstByte) && failure.isCharged, "\(failure)")
      #expect(failure.sentence.contains("did not begin to answer within 200ms"))
    }
  }

  @Test func aServerThatFallsSilentIsNotWaitedFor() throws {
    let server = try ModelServer()
    var limits = LanguageModelLimits.patient
    limits.idle = 200
    let failure = try timeOut(try server.url("idle", [ModelServer.streamHead, .text(Self.begin), .pause(600)]), limits)
    #expect(failure.kind == .timedOut(.idle) && failure.isCharged && failure.status == 200, "\(failure)")
    #expect(failure.sentence.contains("fell silent for 200ms"))
  }

  @Test func aServerThatNeverFinishesIsNotWaitedFor() throws {
    let server = try ModelServer()
    var limits = LanguageModelLimits.patient
    limits.total = 500
    let failure = try timeOut(
      try server.url("slow", [ModelServer.streamHead, .forever(Array(Self.begin.utf8), every: 0.01)]), limits)
    #expect(failure.kind == .timedOut(.total) && failure.isCharged, "\(failure)")
  }

  /// An error's status is known by then.
  @Test func aSilenceWithinAnErrorIsTheError() throws {
    let server = try ModelServer()
    var limits = LanguageModelLimits.patient
    limits.idle = 200
    let failure = try timeOut(
      try server.url(
        "slow", [.text("HTTP/1.1 429 No\r\nContent-Length: 99\r\nRetry-After: 2\r\n\r\nwait"), .pause(600)]),
      limits)
    #expect(failure.kind == .refused && failure.status == 429 && failure.retryAfter == 2000, "\(failure)")
  }
}
