import Glibc
import Linux
import OpenStarryAgent
import TestKit

/// A scripted server of language models on loopback, in a process of its own: `Tests/Companions/LanguageModel/model_server.py`.
///
/// Each script has a URL of its own. What the server saw of it is in its log.
package final class ModelServer {
  /// What the server does after it has read a request.
  package enum Step {
    /// Sends these bytes.
    case send([UInt8])
    /// Waits so many seconds, or until the client hangs up; then the log has `gone`.
    case pause(Double)
    /// Sends these bytes over and over, with so many seconds between them.
    case forever([UInt8], every: Double)
    /// Closes the connection.
    case close
    /// Ends it with a reset.
    case reset

    /// Sends this text.
    package static func text(_ text: String) -> Step { .send(Array(text.utf8)) }

    fileprivate var value: Value {
      switch self {
      case .send(let bytes): ["send", Self.latin(bytes)]
      case .pause(let seconds): ["pause", .double(seconds)]
      case .forever(let bytes, let every):
        ["forever", .map(Fields([("data", Self.latin(bytes)), ("every", .double(every))]))]
      case .close: ["close", .null]
      case .reset: ["reset", .null]
      }
    }

    /// One character for each byte.
    private static func latin(_ bytes: [UInt8]) -> Value {
      var text = ""
      for byte in bytes { text.unicodeScalars.append(Unicode.Scalar(byte)) }
      return .string(text)
    }
  }

  /// An entry of a script's log.
  package struct Entry: Sendable {
    /// `request`, `sent` or `gone`.
    package var what: String
    /// Which connection: the first is 1.
    package var connection: Int64
    /// All fields.
    package var fields: Fields
  }

  private let folder: TemporaryFolder
  private let process: Int32
  private let ports: Fields

  /// Why there can be none; nil when there can.
  package static let absence: String? =
    Files.isFile("/usr/bin/python3") ? nil : "there is no /usr/bin/python3 for the scripted server"

  /// Starts it.
  /// - Parameter certificate: the files of a certificate and its key, for TLS.
  package init(certificate: (String, String)? = nil) throws {
    folder = try TemporaryFolder()
    _ = unsafe chmod(folder.path, 0o755)
    var words = ["python3", "-B", Repository.path("Tests/Companions/LanguageModel/model_server.py"), folder.path]
    if let certificate { words += [certificate.0, certificate.1] }
    process = try Spawn.start(SpawnPlan("/usr/bin/python3", words))
    let path = "\(folder.path)/ports"
    for _ in 0..<6000 where !Files.isFile(path) { usleep(10_000) }
    ports = try JSONText.read(Files.read(path)).map ?? Fields()
  }

  deinit {
    kill(process, SIGKILL)
    _ = try? Spawn.wait(for: process)
  }

  /// Makes a script, and the URL that plays it: over TLS if `secure`.
  package func url(_ name: String, _ steps: [Step], secure: Bool = false) throws -> String {
    try folder.write("\(name).json", JSONText.write(.list(steps.map(\.value))))
    return "\(secure ? "https" : "http")://127.0.0.1:\(port(secure ? "tls" : "plain"))/\(name)/v1/chat/completions"
  }

  /// The port of `plain`, `tls`, or `silent`, which accepts connections and never says anything.
  package func port(_ name: String) -> Int64 { ports[name]?.int ?? 0 }

  /// The path of a Unix socket on which it listens, too.
  package var socket: String { "\(folder.path)/socket" }

  /// What it saw of a script so far.
  package func log(_ name: String) -> [Entry] {
    let bytes = (try? Files.read("\(folder.path)/\(name).log", limit: 64 << 20)) ?? []
    return bytes.split(separator: 0x0A).compactMap { line in
      guard let fields = (try? JSONText.read(Array(line)))?.map else { return nil }
      return Entry(
        what: fields["what"]?.string ?? "", connection: fields["connection"]?.int ?? 0, fields: fields)
    }
  }
}

extension ModelServer {
  /// The head of a response that is an event stream, and ends with the connection.
  package static let streamHead = Step.text("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")

  /// A whole response with a length, after which the connection can be used again.
  package static func response(
    _ status: String, type: String = "application/json", fields: String = "", _ body: String
  ) -> Step {
    .text(
      "HTTP/1.1 \(status)\r\nContent-Type: \(type)\r\nContent-Length: \(body.utf8.count)\r\n\(fields)\r\n\(body)")
  }

  /// A stream of events in a response with a length.
  package static func stream(_ events: [String]) -> Step {
    response("200 OK", type: "text/event-stream; charset=utf-8", events.map { "data: \($0)\n\n" }.joined())
  }

  /// A chunk with a piece of text.
  package static func chunk(_ text: String) -> String {
    let content = String(decoding: JSONText.write(.string(text)), as: UTF8.self)
    return #"{"choices":[{"index":0,"delta":{"content":\#(content)},"finish_reason":null}]}"#
  }

  /// The chunk that ends the answer.
  package static func finish(_ reason: String = "stop") -> String {
    #"{"choices":[{"index":0,"delta":{},"finish_reason":"\#(reason)"}]}"#
  }

  /// The chunk with the usage.
  package static func usage(_ prompt: Int, _ completion: Int, cached: Int = 0) -> String {
    #"{"choices":[],"usage":{"prompt_tokens":\#(prompt),"completion_tokens":\#(completion),"#
      + #""prompt_tokens_details":{"cached_tokens":\#(cached)}}}"#
  }
}
