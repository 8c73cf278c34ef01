import LanguageModel
import Model
import ServerSentEvents

/// The answer of a server to a request for a chat completion, read as it comes: an event stream, or one JSON object from a
/// server that does not stream.
///
/// Memory is bounded by `EventStream.longestEvent`, whatever the server sends.
package struct Answer {
  private enum Form { case unknown, events, object, error }

  /// What is left to say at the end.
  package struct Ending: Equatable, Sendable {
    /// The last pieces.
    package var pieces: [Piece]
    /// Why the answer has ended, in the server's words; empty if it did not say.
    package var finish: String
    /// nil if the server did not say.
    package var usage: LanguageModelUsage?
  }

  private let longest: Int
  private let key: [UInt8]
  private let quotation: Quotation
  private var hiding: AnswerHiding
  private var head = AnswerHead()
  private var form = Form.unknown
  private var stream = EventStream()
  private var completion: Completion
  private var body: [UInt8] = []
  private var size = 0
  /// Whether the server has said that nothing follows: `[DONE]`.
  package private(set) var isDone = false

  /// An answer of which nothing is there yet.
  /// - Parameters:
  ///   - longest: the most bytes of its body.
  ///   - key: what neither the answer nor a sentence about it may have, even if the server repeats it.
  package init(longest: Int, hiding key: [UInt8]) {
    self.longest = longest
    self.key = key
    quotation = Quotation(hiding: key)
    hiding = AnswerHiding(key)
    completion = Completion(quotation)
  }

  /// The HTTP status; 0 before the first line.
  package var status: UInt16 { head.status }

  /// Whether the answer is whole, though its connection may go on: nothing that follows is needed but the usage.
  package var isWhole: Bool { isDone || form == .events && completion.finish != nil }

  /// Retry-After in milliseconds, a day at most; nil if the server does not say.
  /// - Parameter date: reads a date of HTTP (RFC 9110, 5.6.7), in seconds since 1970.
  package func retryAfter(now: Int64, date: ([UInt8]) -> Int64?) -> UInt32? {
    let day: Int64 = 86_400_000
    if let milliseconds = Self.number(head.retryAfterMilliseconds) { return UInt32(min(milliseconds, day)) }
    guard !head.retryAfter.isEmpty else { return nil }
    if let seconds = Self.number(head.retryAfter) { return UInt32(min(seconds * 1000, day)) }
    guard let time = date(head.retryAfter) else { return nil }
    let now = head.date.isEmpty ? now : date(head.date) ?? now
    return UInt32(max(0, min((time - now) * 1000, day)))
  }

  private static func number(_ text: [UInt8]) -> Int64? {
    let digits = text.prefix { $0 != 0x2E }
    guard (1...9).contains(digits.count) else { return nil }
    var number: Int64 = 0
    for digit in digits {
      guard (0x30...0x39).contains(digit) else { return nil }
      number = number * 10 + Int64(digit - 0x30)
    }
    return number
  }

  // MARK: Reading

  /// Reads a line of the head, with the empty line at its end.
  package mutating func readHead(_ line: [UInt8]) throws(Flaw) {
    guard line.allSatisfy({ $0 == 0x0D || $0 == 0x0A }) else {
      // Fields behind the body are of no use.
      if form == .unknown || line.starts(with: "HTTP/".utf8) { try head.read(line) }
      return
    }
    switch head.status {
    case 200..<300: form = try contentForm()
    case 300..<400: throw redirection()
    case 400...: form = .error
    default: break
    }
  }

  private func contentForm() throws(Flaw) -> Form {
    let type = head.mediaType
    if type == "text/event-stream" { return .events }
    if type == "application/json" || type.hasSuffix("+json") { return .object }
    let said = type.isEmpty ? "no Content-Type" : "Content-Type '\(quotation(type.utf8))'"
    throw Flaw(.wrongContentType, "the server answers with \(said), which is no chat completion; check the URL")
  }

  private func redirection() -> Flaw {
    let place = head.redirectHost.map { "to \(quotation($0))" } ?? "to another place"
    return Flaw(
      .redirected,
      "the server redirects (\(head.status)) \(place), which is not followed; write the final URL in the settings")
  }

  /// Reads bytes of the body.
  package mutating func readBody(_ bytes: [UInt8]) throws(Flaw) -> [Piece] {
    size += bytes.count
    guard size <= longest || form == .error else {
      throw Flaw(.tooLong, "the answer is longer than \(longest) bytes")
    }
    switch form {
    case .unknown: throw Flaw(.malformed, "the server sends a body without a head")
    case .events: return hiding.add(try read(events { stream throws(EventStream.TooLong) in try stream.read(bytes) }))
    case .object:
      guard body.count + bytes.count <= EventStream.longestEvent else {
        throw Flaw(.tooLong, "the answer is longer than \(EventStream.longestEvent) bytes")
      }
      body += bytes
      return []
    case .error:
      body += bytes.prefix(ServerError.longest - body.count)
      guard body.count < ServerError.longest else { throw refusal() }
      return []
    }
  }

  private mutating func events(
    _ read: (inout EventStream) throws(EventStream.TooLong) -> [EventStream.Event]
  ) throws(Flaw) -> [EventStream.Event] {
    do throws(EventStream.TooLong) { return try read(&stream) } catch { throw Flaw(.tooLong, error.description) }
  }

  private mutating func read(_ events: [EventStream.Event]) throws(Flaw) -> [Piece] {
    var pieces: [Piece] = []
    for event in events where !isDone {
      if event.data.elementsEqual("[DONE]".utf8) {
        guard completion.hasChoice else { throw Flaw(.malformed, "the server ends the stream without an answer") }
        isDone = true
      } else if event.name.elementsEqual("error".utf8) {
        throw Flaw(
          .errorInStream, "the server broke off its answer\(quotation.after(ServerError(body: event.data).message))")
      } else {
        pieces += try completion.read(event.data)
      }
    }
    return pieces
  }

  /// Reads the end.
  /// - Parameter isRegular: whether the response is whole as HTTP has it; otherwise the connection has broken.
  /// - Throws: why it is no answer.
  package mutating func finish(isRegular: Bool) throws(Flaw) -> Ending {
    var pieces: [Piece] = []
    switch form {
    case .unknown: throw Flaw(.lost, "the server closed the connection without an answer")
    case .error: throw refusal()
    case .object:
      guard isRegular else { throw Flaw(.lost, "the connection ended in the middle of the answer") }
      pieces = try completion.read(body)
      guard completion.hasChoice else {
        throw Flaw(.malformed, "the server sends JSON without a choice\(quotation.after(body))")
      }
    case .events:
      if isRegular {
        pieces = try read(events { stream throws(EventStream.TooLong) in try stream.finish() })
      }
      guard isWhole else { throw Flaw(.lost, "the connection ended in the middle of the answer") }
    }
    return Ending(
      pieces: hiding.add(pieces) + hiding.finish(), finish: KeyHiding.hide(key, in: completion.finish ?? ""),
      usage: completion.usage)
  }

  /// What an error's status says, with the server's own words.
  private func refusal() -> Flaw {
    let error = ServerError(body: body)
    let words = quotation.after(error.message)
    let status = head.status
    if error.isContextExceeded {
      return Flaw(.contextExceeded, "the request is longer than the model's context\(words)")
    }
    let what =
      switch status {
      case 401: "the server does not accept the key"
      case 402: "the server wants to be paid"
      case 403: "the server does not allow this with this key"
      case 404: "the server has no such model or address; check the URL and the model"
      case 413: "the request is too large for the server"
      case 429: "the server has had too many requests"
      case 503: "the server is overloaded, or not ready yet"
      case 500...: "the server failed"
      default: "the server refuses the request"
      }
    return Flaw(status >= 500 ? .serverFailed : .refused, "\(what) (HTTP \(status))\(words)")
  }
}
