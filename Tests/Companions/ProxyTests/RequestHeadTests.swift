import Proxy
import Testing

/// Heads of requests to an HTTP proxy.
@Suite struct RequestHeadTests {
  private func read(_ text: String) -> RequestHead.Reading { RequestHead.read(Array(text.utf8)) }

  private func head(_ text: String) throws -> (destination: String, forwarded: String, body: UInt64?) {
    guard case .head(let head, let length) = read(text) else {
      Issue.record("\(read(text))")
      return ("", "", nil)
    }
    #expect(length == text.utf8.count)
    return (
      String(decoding: head.destination.text, as: UTF8.self), String(decoding: head.forwarded, as: UTF8.self), head.body
    )
  }

  private func status(_ text: String) -> UInt16? {
    if case .refused(let answer) = read(text) { answer.status } else { nil }
  }

  @Test func connect() throws {
    let (destination, forwarded, body) = try head("CONNECT API.example.org:443 HTTP/1.1\r\nHost: x\r\n\r\n")
    #expect(destination == "api.example.org:443" && forwarded.isEmpty && body == nil)
    #expect(try head("CONNECT [fd00::1]:80 HTTP/1.0\r\n\r\n").destination == "[fd00::1]:80")
  }

  @Test func aRequestIsRewrittenForItsDestination() throws {
    let (destination, forwarded, body) = try head(
      """
      POST http://a.example:8080/x?y=1 HTTP/1.1\r
      Host: other.example\r
      Accept: */*\r
      Proxy-Connection: keep-alive\r
      Proxy-Authorization: Basic eDp5\r
      Connection: keep-alive, X-Hop, Content-Length\r
      X-Hop: 1\r
      Keep-Alive: 5\r
      Content-Length: 12\r
      \r\n
      """)
    #expect(destination == "a.example:8080" && body == 12)
    #expect(
      forwarded
        == "POST /x?y=1 HTTP/1.1\r\nHost: a.example:8080\r\nConnection: close\r\nAccept: */*\r\nContent-Length: 12\r\n\r\n"
    )
  }

  @Test(arguments: [
    ("GET http://a.example HTTP/1.1", "GET / HTTP/1.1"), ("GET HTTP://a.example/ HTTP/1.0", "GET / HTTP/1.0"),
    ("GET http://a.example?q HTTP/1.1", "GET /?q HTTP/1.1"),
    ("OPTIONS http://a.example HTTP/1.1", "OPTIONS * HTTP/1.1"),
    ("GET http://a.example//b HTTP/1.1", "GET //b HTTP/1.1"),
  ]) func thePathIsThatOfTheURI(_ line: String, _ expected: String) throws {
    let (destination, forwarded, body) = try head("\(line)\r\n\r\n")
    #expect(destination == "a.example:80" && body == 0)
    #expect(forwarded == "\(expected)\r\nHost: a.example\r\nConnection: close\r\n\r\n")
  }

  @Test(arguments: [
    "\u{16}\u{3}\u{1}", " ", "GET / HTTP/1.1\r\n\r\n", "GET a.example HTTP/1.1\r\n\r\n",
    "GET https://a.example/ HTTP/1.1\r\n\r\n",
    "GET http://u:p@a.example/ HTTP/1.1\r\n\r\n", "GET http://a.example/#f HTTP/1.1\r\n\r\n",
    "GET http:///x HTTP/1.1\r\n\r\n",
    "GET http://a.example:0/ HTTP/1.1\r\n\r\n", "GET http://a.example:x/ HTTP/1.1\r\n\r\n",
    "CONNECT a.example HTTP/1.1\r\n\r\n",
    "CONNECT http://a.example:1 HTTP/1.1\r\n\r\n", "CONNECT 0x7f.1:80 HTTP/1.1\r\n\r\n",
    "CONNECT a:1 b HTTP/1.1\r\n\r\n",
    "GET  http://a.example/ HTTP/1.1\r\n\r\n", "GET http://a.example/\tx HTTP/1.1\r\n\r\n",
    "(: http://a.example/ HTTP/1.1\r\n\r\n",
    "GET http://a.example/ HTTP/1.1\r\nA : b\r\n\r\n", "GET http://a.example/ HTTP/1.1\r\n a: b\r\n\r\n",
    "GET http://a.example/ HTTP/1.1\r\na: b\r\n c\r\n\r\n", "GET http://a.example/ HTTP/1.1\nA: b\r\n\r\n",
    "GET http://a.example/ HTTP/1.1\r\nA: b\rC: d\r\n\r\n", "GET http://a.example/ HTTP/1.1\r\nA: \u{0}\r\n\r\n",
    "POST http://a.example/ HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    "POST http://a.example/ HTTP/1.1\r\nContent-Length: +1\r\n\r\n",
    "POST http://a.example/ HTTP/1.1\r\nContent-Length: 1, 1\r\n\r\n",
    "POST http://a.example/ HTTP/1.1\r\nContent-Length:\r\n\r\n",
    "POST http://a.example/ HTTP/1.1\r\nContent-Length: 9999999999999999999\r\n\r\n",
  ]) func wrongOnes(_ text: String) { #expect(status(text) == 400) }

  @Test func otherRefusals() {
    #expect(status("GET http://a.example/ HTTP/2.0\r\n\r\n") == 505)
    #expect(status("POST http://a.example/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n") == 411)
    #expect(status("GET http://a.example/ HTTP/1.1\r\nA: " + String(repeating: "x", count: 9000)) == 431)
    #expect(status("GET http://a.example/ HTTP/1.1\r\nA: " + String(repeating: "x", count: 9000) + "\r\n\r\n") == 431)
  }

  @Test func theSameLengthTwiceIsOne() throws {
    let (_, forwarded, body) = try head(
      "POST http://a.example/ HTTP/1.1\r\nContent-Length: 3\r\ncontent-length: 3\r\n\r\n")
    #expect(body == 3)
    #expect(forwarded == "POST / HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\nContent-Length: 3\r\n\r\n")
  }

  @Test func itMayComeInPiecesWithMoreBehind() {
    let text = Array("CONNECT a.example:443 HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
    for length in 1..<text.count { #expect(RequestHead.read(Array(text[..<length]), known: length - 1) == .incomplete) }
    for known in 0..<text.count {
      guard case .head(_, let length) = RequestHead.read(text + [1, 2, 3], known: known) else {
        Issue.record("not found with \(known) known bytes")
        continue
      }
      #expect(length == text.count)
    }
  }

  @Test func anAnswerIsAWholeResponse() {
    let text = String(decoding: HTTPAnswer(403, "no").bytes, as: UTF8.self)
    #expect(
      text
        == "HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: 3\r\n\r\nno\n")
  }
}
