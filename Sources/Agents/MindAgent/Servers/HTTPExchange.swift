import CCurl
import Curl
import MCP
import OpenStarryAgent
import ServerSentEvents

/// One message to a server, and the response with the server's messages.
final class HTTPExchange: TransferReceiver {
  let handle: EasyHandle
  /// Messages that are whole and were not taken yet.
  private(set) var messages: [[UInt8]] = []
  /// The session that the server has opened.
  private(set) var session: String?
  private let hadSession: Bool
  private var status = 0
  private var mediaType = ""
  private var stream = EventStream()
  private var body: [UInt8] = []
  private var size = 0
  /// Why the response is not read on.
  private var flaw: String?

  /// The most bytes of a message, of all messages in a response, and of an error's page.
  private static let (longestMessage, longestBody, longestError) = (1 << 20, 8 << 20, 16 << 10)

  /// - Parameter session: the one that an earlier response has opened.
  init(_ curl: Curl, _ url: String, _ message: ClientMessage, session: String?) throws(Curl.Absence) {
    handle = try EasyHandle(curl)
    hadSession = session != nil
    var fields = [
      "Content-Type: application/json", "Accept: application/json, text/event-stream", "User-Agent: openstarryd",
      // libcurl's own makes a round trip, for which some servers wait in vain.
      "Expect:",
    ]
    if let revision = message.revision { fields.append("MCP-Protocol-Version: \(revision)") }
    if message.revision?.isSame(as: Revision.newest(.envelope)) == true, !message.method.isEmpty {
      fields.append("Mcp-Method: \(message.method)")
      if !message.tool.isEmpty { fields.append("Mcp-Name: \(message.tool)") }
    }
    if let session { fields.append("Mcp-Session-Id: \(session)") }
    for field in fields { handle.add(field: field) }
    handle.set(CURLOPT_URL, url)
    handle.post(copying: message.text)
    handle.setCallbacks(self)
  }

  /// Takes the messages that are whole.
  func takeMessages() -> [[UInt8]] {
    defer { messages = [] }
    return messages
  }

  // MARK: libcurl's calls

  func approveSending(to peer: String) -> Bool { true }

  func readHead(_ line: [UInt8]) -> Bool {
    let text = String(decoding: line.prefix(1024), as: UTF8.self)
    if text.hasPrefix("HTTP/") {
      // A new head, after one such as 100 Continue.
      (mediaType, session) = ("", nil)
      let words = text.split(separator: " ", maxSplits: 2)
      status = words.count > 1 ? Int(words[1].prefix { $0 >= "0" && $0 <= "9" }) ?? 0 : 0
      return true
    }
    guard let colon = text.firstIndex(of: ":") else { return true }
    let value = text[text.index(after: colon)...].trimmed
    switch text[..<colon].lowercased() {
    case "content-type": mediaType = value.prefix { $0 != ";" && $0 != " " }.lowercased()
    case "mcp-session-id":
      // Visible ASCII, as the protocol has it: it goes into the head of every further request.
      if (1...256).contains(value.utf8.count), value.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) { session = value }
    default: break
    }
    return true
  }

  func readBody(_ bytes: [UInt8]) -> Reception {
    size += bytes.count
    if status >= 300 {
      body += bytes.prefix(max(0, Self.longestError - body.count))
      return size <= Self.longestBody ? .taken : .refused
    }
    guard size <= Self.longestBody else { return refuse("sends more than \(Self.longestBody) bytes") }
    switch mediaType {
    case "application/json":
      guard size <= Self.longestMessage else { return refuse("sends a message that is too long") }
      body += bytes
    case "text/event-stream":
      do throws(EventStream.TooLong) {
        messages += try stream.read(bytes).map(\.data)
      } catch { return refuse("sends a message that is too long") }
    default: return refuse("answers with Content-Type '\(mediaType.bounded(60))', which is no message; check the URL")
    }
    return .taken
  }

  private func refuse(_ what: String) -> Reception {
    flaw = what
    return .refused
  }

  // MARK: End

  /// The transfer has ended.
  /// - Returns: the messages that the end makes whole.
  func end(_ code: CURLcode) throws(TransportFailure) -> [[UInt8]] {
    if let flaw { throw .ended(flaw) }
    if status >= 300 { throw refusal }
    guard code == CURLE_OK else {
      let place = status == 0 ? "cannot be reached" : "broke off its answer"
      throw .ended("\(place): \(handle.text(code))")
    }
    if mediaType == "text/event-stream" { return ((try? stream.finish()) ?? []).map(\.data) }
    return body.isEmpty ? [] : [body]
  }

  private var refusal: TransportFailure {
    if status == 404, hadSession { return .ended("has forgotten the session") }
    // A JSON-RPC error; its id may be null.
    if let error = (try? JSONText.read(body))?["error"], error.map != nil {
      return .refused(code: error["code"]?.int ?? Int64(status), error["message"]?.string ?? "HTTP status \(status)")
    }
    let advice =
      switch status {
      case 300..<400: ", a redirection, which is not followed; check the URL"
      case 401, 403: ": it wants a key, and the servers of a manifest have none"
      case 404, 405: ": no MCP server is there; check the URL"
      default: ""
      }
    return .refused(code: Int64(status), "it answers with HTTP status \(status)\(advice)")
  }
}

extension Substring {
  /// Without blanks and line ends around it.
  fileprivate var trimmed: String {
    let isBlank: (Unicode.Scalar) -> Bool = { $0 == " " || $0 == "\t" || $0 == "\r" || $0 == "\n" }
    var rest = unicodeScalars.drop(while: isBlank)
    while let last = rest.last, isBlank(last) { rest.removeLast() }
    return String(rest)
  }
}
