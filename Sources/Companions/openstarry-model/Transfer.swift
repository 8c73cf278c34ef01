import CCurl
import ChatCompletion
import Companion
import Curl
import LanguageModel
import Model

/// One request and its answer. libcurl moves the bytes; this decides when it is over, and says so once.
final class Transfer: TransferReceiver {
  private enum Step {
    /// Name, connection, TLS.
    case connecting
    /// The request is on its way, or the server thinks.
    case waiting
    case reading
    /// The daemon does not read as fast as the server writes.
    case paused
    /// The answer has been reported. The rest of the response is read, so that the connection can be used again.
    case draining
  }

  /// How long the end of a response is waited for after the answer, in nanoseconds, and how much may follow.
  private static let drainTime: UInt64 = 1_000_000_000
  private static let longestRest = 4096

  let id: UInt32
  /// For libcurl.
  let handle: EasyHandle
  private let body: RequestBody
  private let quotation: Quotation
  private let request: LanguageModelRequest
  private let address: ServerAddress
  private let hasKey: Bool
  private unowned let process: ModelProcess
  private var answer: Answer
  private var step = Step.connecting
  /// Whether libcurl has it.
  private(set) var isBegun = false
  private let start: UInt64
  /// When the step began, or the last byte came.
  private var last: UInt64
  private var flaw: Flaw?
  private var rest = 0

  /// Starts nothing yet.
  init(
    _ id: UInt32, _ request: LanguageModelRequest, _ body: consuming RequestBody, for process: ModelProcess,
    _ curl: Curl
  ) throws(LanguageModelFailure) {
    address = try ServerAddress(request.url, curl)
    let key = request.key.isEmpty ? [] : try APIKey.read(request.key)
    if !key.isEmpty, !address.isSecure, !address.isLocal {
      throw LanguageModelFailure(
        .noKey, wasSent: false,
        "the key would go to \(address.place) unencrypted; use https, or no key in your own network")
    }
    do throws(Curl.Absence) { handle = try EasyHandle(curl) } catch {
      throw LanguageModelFailure(.absent, wasSent: false, error.description)
    }
    self.body = body
    quotation = Quotation(hiding: key)
    self.id = id
    self.request = request
    self.process = process
    hasKey = !key.isEmpty
    answer = Answer(longest: Int(request.longest), hiding: key)
    start = Companion.monotonicNow()
    last = start
    prepare(key)
  }

  /// A POST of the body, with all the limits that libcurl has to keep.
  private func prepare(_ key: [UInt8]) {
    // libcurl's own default field Expect makes a round trip, for which some servers wait in vain.
    for field in ["Content-Type: application/json", "Accept: text/event-stream", "User-Agent: openstarryd", "Expect:"] {
      handle.add(field: field)
    }
    if !key.isEmpty { handle.add(field: "Authorization: Bearer \(String(decoding: key, as: UTF8.self))") }
    handle.set(CURLOPT_URL, address.url)
    if let socket = address.socket { handle.set(CURLOPT_UNIX_SOCKET_PATH, socket) }
    // 0 would be libcurl's own 5 minutes.
    handle.set(CURLOPT_CONNECTTIMEOUT_MS, max(1, Int(request.limits.connect)))
    if let file = ModelProcess.environment["SSL_CERT_FILE"] { handle.set(CURLOPT_CAINFO, file) }
    // A proxy of the environment is for other machines, and would get the key for this one.
    if address.isLocal { handle.set(CURLOPT_NOPROXY, "*") }
    // SAFETY: the body lives as long as the handle.
    unsafe handle.post(body.start, count: body.count)
  }

  /// Whether it counts as a call that is being made.
  var isCall: Bool { step != .draining }

  /// Begins. Its owner keeps it until it is removed from the multi handle.
  func begin(_ transfers: MultiHandle) throws(LanguageModelFailure) {
    handle.setCallbacks(self)
    do throws(Curl.Absence) { try transfers.add(handle) } catch {
      throw LanguageModelFailure(.absent, wasSent: false, "language models: \(error)")
    }
    isBegun = true
  }

  // MARK: Time

  /// When it fails, and for which limit.
  var deadline: (time: UInt64, limit: LanguageModelFailure.Limit) {
    func after(_ time: UInt64, _ milliseconds: UInt32) -> UInt64 { time + UInt64(milliseconds) * 1_000_000 }
    let total = (after(start, request.limits.total), LanguageModelFailure.Limit.total)
    let step: (UInt64, LanguageModelFailure.Limit)
    switch self.step {
    case .connecting: step = (after(start, request.limits.connect), .connect)
    case .waiting: step = (after(last, request.limits.firstByte), .firstByte)
    case .reading: step = (after(last, request.limits.idle), .idle)
    case .paused: return total
    case .draining: return (last + Self.drainTime, .idle)
    }
    return step.0 < total.0 ? step : total
  }

  /// Ends it for the time. The caller removes it.
  func expire() {
    guard isCall else { return }
    let limit = deadline.limit
    // A server that has said everything and keeps the connection has answered, and an error is one after its status.
    guard !answer.isWhole, answer.status < 400 else { return conclude(isRegular: false) }
    fail(.timedOut(limit), "\(address.place) \(sentence(limit))")
  }

  private func sentence(_ limit: LanguageModelFailure.Limit) -> String {
    func time(_ milliseconds: UInt32) -> String { Duration.milliseconds(Int64(milliseconds)).text }
    return switch limit {
    case .connect: "did not accept the connection within \(time(request.limits.connect))"
    case .firstByte: "did not begin to answer within \(time(request.limits.firstByte))"
    case .idle: "fell silent for \(time(request.limits.idle)) in the middle of the answer"
    case .total: "did not finish the answer within \(time(request.limits.total))"
    }
  }

  // MARK: libcurl's calls

  /// - Parameter peer: the address of the other side.
  /// - Returns: whether the request may be sent on this connection. It counts as sent then.
  func approveSending(to peer: String) -> Bool {
    guard step == .connecting else {
      // libcurl repeats a request on a new connection if a kept one turns out to be closed. The server may have read the
      // first one.
      flaw = Flaw(.lost, "\(address.place) closed the connection when it got the request")
      return false
    }
    guard !hasKey || address.isSecure || address.socket != nil || ServerAddress.isLoopback(peer) else {
      flaw = Flaw(.noKey, "\(address.place) is at \(peer.printable), to which the key would go unencrypted; use https")
      return false
    }
    step = .waiting
    last = Companion.monotonicNow()
    return true
  }

  /// - Returns: whether to go on.
  func readHead(_ line: [UInt8]) -> Bool {
    do throws(Flaw) {
      try answer.readHead(line)
      return true
    } catch {
      flaw = error
      return false
    }
  }

  /// Takes bytes of the body.
  func readBody(_ bytes: [UInt8]) -> Reception {
    if step == .draining {
      rest += bytes.count
      return rest <= Self.longestRest ? .taken : .refused
    }
    last = Companion.monotonicNow()
    guard process.outbox.count(of: id) < Outbox.pause else {
      step = .paused
      return .paused
    }
    step = .reading
    do throws(Flaw) {
      tell(try answer.readBody(bytes))
      if answer.isDone { conclude(isRegular: true) }
      return .taken
    } catch {
      flaw = error
      return .refused
    }
  }

  /// Whether it is paused, and the daemon has read enough.
  var canResume: Bool { step == .paused && process.outbox.count(of: id) <= Outbox.resume }

  /// Goes on after a pause.
  func resume() {
    step = .reading
    last = Companion.monotonicNow()
    handle.resume()
  }

  // MARK: End

  /// libcurl has ended it. The caller removes it.
  func ended(_ code: CURLcode) {
    guard isCall else { return }
    if let flaw { return fail(flaw.kind, flaw.sentence) }
    if code == CURLE_OK { return conclude(isRegular: true) }
    if answer.isWhole || answer.status >= 400 { return conclude(isRegular: false) }
    let said = quotation(handle.text(code).utf8)
    if step == .connecting, code == CURLE_OPERATION_TIMEDOUT {
      return fail(.timedOut(.connect), "\(address.place) \(sentence(.connect))")
    }
    if Self.isTLS(code) { return fail(.tls, "\(address.place) has no TLS that can be trusted: \(said)") }
    if step == .connecting { return fail(.unreachable, "\(address.place) cannot be reached: \(said)") }
    if code == CURLE_WEIRD_SERVER_REPLY || code == CURLE_UNSUPPORTED_PROTOCOL {
      return fail(.malformed, "\(address.place) does not speak HTTP: \(said)")
    }
    let place = answer.status == 0 ? "before the answer" : "in the middle of the answer"
    fail(.lost, "\(address.place) closed the connection \(place): \(said)")
  }

  /// Whether an error is one of TLS (libcurl-errors(3)).
  private static func isTLS(_ code: CURLcode) -> Bool {
    [
      CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_ENGINE_NOTFOUND, CURLE_SSL_ENGINE_SETFAILED,
      CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER, CURLE_USE_SSL_FAILED, CURLE_SSL_ENGINE_INITFAILED,
      CURLE_SSL_CACERT_BADFILE, CURLE_SSL_CRL_BADFILE, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_PINNEDPUBKEYNOTMATCH,
      CURLE_SSL_INVALIDCERTSTATUS, CURLE_SSL_CLIENTCERT,
    ].contains(code)
  }

  private func conclude(isRegular: Bool) {
    do throws(Flaw) {
      let ending = try answer.finish(isRegular: isRegular)
      tell(ending.pieces)
      process.tell(id, .answered(id: id, finish: Array(ending.finish.utf8), ending.usage))
      step = .draining
      last = Companion.monotonicNow()
    } catch {
      fail(error.kind, error.sentence)
    }
  }

  private func fail(_ kind: LanguageModelFailure.Kind, _ sentence: String) {
    let now = Int64(time(nil))
    process.tell(
      id,
      .failed(
        id: id,
        LanguageModelFailure(
          kind, status: answer.status, retryAfter: answer.retryAfter(now: now, date: process.date),
          wasSent: step != .connecting, sentence)))
    step = .draining
  }

  private func tell(_ pieces: [Piece]) {
    for piece in pieces {
      switch piece {
      case .text(let text): send(text) { .text(id: id, $0) }
      case .toolCall(let index, let call, let name):
        process.tell(
          id, .toolCall(id: id, index: UInt16(index), callID: Array(call.utf8), name: Array(name.utf8)))
      case .arguments(let index, let text): send(text) { .arguments(id: id, index: UInt16(index), $0) }
      }
    }
  }

  private func send(_ text: String, _ message: ([UInt8]) -> LanguageModelMessage) {
    var rest = Array(text.utf8)
    while !rest.isEmpty {
      let piece = rest.scalarPrefix(LanguageModelMessage.longestPiece)
      process.tell(id, message(piece))
      rest.removeFirst(piece.count)
    }
  }
}
