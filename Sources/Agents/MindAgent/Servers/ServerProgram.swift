import Linux
import OpenStarryAgent

/// An MCP server that is a program: JSON-RPC 2.0 over its standard input and output, one message a line
/// (modelcontextprotocol.io, "Transports": stdio). It runs in the mind's own sandbox and gets nothing that the mind
/// has not.
final class ServerProgram {
  /// The server's name in the manifest.
  let name: String
  private let words: [String]
  private var program: PipedProgram?
  private var lastID: Int64 = 0
  /// Which of the two protocols it speaks; nil before that is known.
  private(set) var era: Era?
  /// How often it has been started.
  private(set) var starts = 0

  /// A server that ends again and again is left alone.
  static let mostStarts = 4

  /// The protocols of MCP.
  enum Era {
    /// Revisions up to 2025-11-25: `initialize` comes first.
    case handshake
    /// From 2026-07-28 on: every request carries the version in `_meta`.
    case envelope
  }

  private static let (envelopeVersion, handshakeVersion) = ("2026-07-28", "2025-11-25")
  private static let client: Value = ["name": "openstarry-mind", "version": "1"]

  /// - Parameter command: the program, by its path or by a name that PATH leads to, and its arguments.
  init(_ name: String, _ command: [String]) {
    self.name = name
    words = command
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
    if program == nil { try start(until: deadline) }
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
      program = nil
      throw error
    }
  }

  /// A server of the older kind answers with an error, or ends. One that says nothing may only be slow.
  private func findEra(until deadline: UInt64) throws(Failure) -> Era {
    do throws(Failure) {
      let answer = try call("server/discover", [:], asEnvelope: true, until: deadline)
      let versions = answer["supportedVersions"]?.list ?? []
      return versions.contains(.string(Self.envelopeVersion)) ? .envelope : .handshake
    } catch {
      if case .refused = error { return .handshake }
      guard program == nil else { throw error }
      try launch()
      return .handshake
    }
  }

  private func greet(until deadline: UInt64) throws(Failure) {
    let parameters: Fields = [
      "protocolVersion": .string(Self.handshakeVersion), "capabilities": [:], "clientInfo": Self.client,
    ]
    _ = try call("initialize", parameters, asEnvelope: false, until: deadline)
    try send(["method": "notifications/initialized"], until: deadline)
  }

  private func launch() throws(Failure) {
    guard starts < Self.mostStarts else { throw .broken("the server '\(name)' has ended too often") }
    starts += 1
    guard let path = Self.find(words[0]) else { throw .broken("there is no program '\(words[0])'") }
    do throws(SystemError) { program = try PipedProgram.start([path] + words.dropFirst()) } catch {
      throw .broken(error.description)
    }
  }

  /// A program's path.
  private static func find(_ name: String) -> String? {
    if name.utf8.contains(UInt8(ascii: "/")) { return Files.isFile(name) ? name : nil }
    let folders = (Environment.current()["PATH"] ?? "/usr/bin:/bin").split(separator: ":")
    return folders.lazy.map { "\($0)/\(name)" }.first { Files.isFile($0) }
  }

  // MARK: Messages

  private func call(
    _ method: String, _ parameters: Fields, asEnvelope: Bool, until deadline: UInt64
  ) throws(Failure) -> Value {
    lastID += 1
    let id = lastID
    var parameters = parameters
    if asEnvelope {
      let prefix = "io.modelcontextprotocol/"
      parameters["_meta"] = [
        "\(prefix)protocolVersion": .string(Self.envelopeVersion), "\(prefix)clientCapabilities": [:],
        "\(prefix)clientInfo": Self.client,
      ]
    }
    try send(["id": .int(id), "method": .string(method), "params": .map(parameters)], until: deadline)
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
    if message["method"]?.string?.isSame(as: "ping") == true {
      return try send(["id": id, "result": [:]], until: deadline)
    }
    try send(["id": id, "error": ["code": -32601, "message": "this client offers nothing"]], until: deadline)
  }

  private func send(_ fields: Fields, until deadline: UInt64) throws(Failure) {
    let line = JSONText.write(.map(Fields([("jsonrpc", "2.0")] + fields.map { ($0.key, $0.value) })))
    guard program != nil else { throw end("has ended") }
    do throws(SystemError) {
      try program?.write(line, until: deadline)
    } catch { throw end(error.isTimeout ? "does not read" : "has ended") }
  }

  private func receive(_ method: String, until deadline: UInt64) throws(Failure) -> Value {
    while true {
      let line: [UInt8]?
      do throws(SystemError) {
        line = try program?.read(until: deadline)
      } catch {
        // It may still answer; the answer is then ignored.
        if error.isTimeout { throw .broken("the server '\(name)' did not answer \(method) in time") }
        throw end("sent a line that is too long, or failed: \(error)")
      }
      guard let line else { throw end("has ended") }
      if line.allSatisfy({ $0 == UInt8(ascii: "\r") || $0 == UInt8(ascii: " ") }) { continue }
      guard let message = try? JSONText.read(line), message.map != nil else {
        throw end("wrote something to its standard output that is no message")
      }
      return message
    }
  }

  private func end(_ what: String) -> Failure {
    program = nil
    return .broken("the server '\(name)' \(what)")
  }
}
