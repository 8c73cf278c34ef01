import Linux
import MCP
import OpenStarryAgent

/// A client of one MCP server: JSON-RPC 2.0 over a transport, in either of MCP's two protocols.
final class MCPClient {
  /// The server's name in the manifest.
  let name: String
  private let transport: any ServerTransport
  private var lastID: Int64 = 0
  /// Which of the two protocols it speaks; nil before that is known.
  private(set) var era: Era?
  /// The revision that a server of the older kind has agreed to.
  private var agreedRevision: String?
  /// How often it has been started.
  private(set) var starts = 0

  /// A server that ends again and again is left alone.
  static let mostStarts = 4

  private static let client: Value = ["name": "openstarry-mind", "version": "1"]

  init(_ name: String, _ transport: any ServerTransport) {
    self.name = name
    self.transport = transport
  }

  /// What a call came to.
  enum Failure: Error {
    /// The server does not run, does not answer, or does not speak the protocol; in a sentence.
    case broken(String)
    /// The server's own error.
    case refused(code: Int64, String)
  }

  /// Asks the server, which is started if it does not run.
  /// - Parameter deadline: for the start and the answer together; on the monotonic clock, in nanoseconds.
  func ask(_ method: String, _ parameters: Fields, until deadline: UInt64) throws(Failure) -> Value {
    if !transport.isOpen { try start(until: deadline) }
    return try call(method, parameters, asEnvelope: era == .envelope, until: deadline)
  }

  // MARK: Start

  private func start(until deadline: UInt64) throws(Failure) {
    do throws(Failure) {
      try launch()
      let found = if let era { era } else { try findEra(until: deadline) }
      if found == .handshake { try greet(until: deadline) }
      era = found
    } catch {
      // Half a start is of no use to the next call.
      transport.close()
      throw error
    }
  }

  /// A server of the older kind answers with an error, ends, or says nothing: it has half of the time for that.
  private func findEra(until deadline: UInt64) throws(Failure) -> Era {
    let now = System.monotonicNanoseconds()
    do throws(Failure) {
      let half = now + (max(deadline, now) - now) / 2
      let answer = try call("server/discover", [:], asEnvelope: true, until: half)
      let versions = answer["supportedVersions"]?.list ?? []
      return versions.contains(.string(Revision.newest(.envelope))) ? .envelope : .handshake
    } catch {
      if !transport.isOpen { try launch() }
      return .handshake
    }
  }

  private func greet(until deadline: UInt64) throws(Failure) {
    agreedRevision = nil
    let parameters: Fields = [
      "protocolVersion": .string(Revision.newest(.handshake)), "capabilities": [:], "clientInfo": Self.client,
    ]
    let answer = try call("initialize", parameters, asEnvelope: false, until: deadline)
    let revision = answer["protocolVersion"]?.string ?? ""
    agreedRevision = Self.isRevision(revision) ? revision : Revision.newest(.handshake)
    try send(
      ["method": "notifications/initialized"], ClientMessage(text: [], revision: agreedRevision), until: deadline)
  }

  /// Whether a text is a date. It goes into the head of requests.
  private static func isRevision(_ text: String) -> Bool {
    text.utf8.count == 10 && text.utf8.allSatisfy { (0x30...0x39).contains($0) || $0 == UInt8(ascii: "-") }
  }

  private func launch() throws(Failure) {
    guard starts < Self.mostStarts else { throw .broken("the server '\(name)' has ended too often") }
    starts += 1
    do throws(TransportFailure) { try transport.open() } catch { throw failure(error, "") }
  }

  // MARK: Messages

  private func call(
    _ method: String, _ parameters: Fields, asEnvelope: Bool, until deadline: UInt64
  ) throws(Failure) -> Value {
    lastID += 1
    let id = lastID
    var parameters = parameters
    if asEnvelope {
      parameters["_meta"] = [
        EnvelopeKey.protocolVersion: .string(Revision.newest(.envelope)), EnvelopeKey.clientCapabilities: [:],
        EnvelopeKey.clientInfo: Self.client,
      ]
    }
    let isToolCall = method.isSame(as: "tools/call")
    let message = ClientMessage(
      text: [], method: method, isRequest: true, tool: isToolCall ? parameters["name"]?.string ?? "" : "",
      revision: asEnvelope ? Revision.newest(.envelope) : agreedRevision)
    try send(["id": .int(id), "method": .string(method), "params": .map(parameters)], message, until: deadline)
    while true {
      let message = try receive(method, until: deadline)
      if message["method"] != nil {
        try answer(message, until: deadline)
      } else if message["id"]?.int == id {
        if let result = message["result"] { return result }
        let error = message["error"]
        let text = error?["message"]?.string ?? "an answer without a result"
        throw .refused(code: error?["code"]?.int ?? 0, text.bounded(500))
      }
      // Anything else is a late answer.
    }
  }

  /// Answers what the server asks: it may ask whether somebody is there, and for nothing else.
  private func answer(_ message: Value, until deadline: UInt64) throws(Failure) {
    guard let id = message["id"] else { return }
    let isPing = message["method"]?.string?.isSame(as: "ping") == true
    let refusal: Value = ["code": -32601, "message": "this client offers nothing"]
    try send(
      isPing ? ["id": id, "result": [:]] : ["id": id, "error": refusal],
      ClientMessage(text: [], revision: era == .envelope ? Revision.newest(.envelope) : agreedRevision), until: deadline
    )
  }

  private func send(_ fields: Fields, _ message: ClientMessage, until deadline: UInt64) throws(Failure) {
    var message = message
    message.text = JSONText.write(.map(Fields([("jsonrpc", "2.0")] + fields.map { ($0.key, $0.value) })))
    do throws(TransportFailure) { try transport.send(message, until: deadline) } catch { throw failure(error, "") }
  }

  private func receive(_ method: String, until deadline: UInt64) throws(Failure) -> Value {
    let text: [UInt8]
    do throws(TransportFailure) { text = try transport.receive(until: deadline) } catch {
      throw failure(error, method)
    }
    guard let message = try? JSONText.read(text), message.map != nil else {
      throw failure(.ended("sent something that is no message"), method)
    }
    return message
  }

  private func failure(_ failure: TransportFailure, _ method: String) -> Failure {
    switch failure {
    // It may still answer; the answer is then ignored.
    case .late: return .broken("the server '\(name)' did not answer \(method) in time")
    case .refused(let code, let sentence): return .refused(code: code, sentence.bounded(500))
    case .ended(let what):
      transport.close()
      return .broken("the server '\(name)' \(what.bounded(500))")
    }
  }
}
