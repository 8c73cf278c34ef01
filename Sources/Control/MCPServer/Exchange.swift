import MCP
import Model
import RPC

/// One request, from its arrival to its only answer.
final class Exchange {
  let server: BoardServer
  let request: Request
  let era: Era
  /// Where messages that belong to this request go: the answer, and before it notifications.
  private let sink: MessageSink
  private var isAnswered = false

  init(_ request: Request, _ era: Era, on server: BoardServer, to sink: MessageSink) {
    self.request = request
    self.era = era
    self.server = server
    self.sink = sink
    server.began()
  }

  deinit {
    answer(.failure(RPCError(.internalError, "'\(request.method)' ended without an answer")))
  }

  /// What the client says this request is part of.
  var trace: TraceParent? {
    request.params["_meta"]?[EnvelopeKey.traceParent]?.string.flatMap { TraceParent($0) }
  }

  /// Answers; only the first answer is sent. A request without an id gets none.
  func answer(_ outcome: Result<Fields, RPCError>) {
    guard !isAnswered else { return }
    isAnswered = true
    if let id = request.id {
      sink.send(Response(id: id, outcome.map { .map(era == .envelope ? enveloped($0) : $0) }).encoded())
    }
    server.ended()
  }

  /// Sends a notification that belongs to this request.
  func notify(_ method: String, _ params: Fields) {
    sink.send(Request(id: nil, method: method, params: params).encoded())
  }

  /// Answers nothing: whoever asked has taken the request back.
  func drop() {
    guard !isAnswered else { return }
    isAnswered = true
    server.ended()
  }

  /// The methods whose results clients may keep for a while.
  private static let kept = [
    "server/discover", "tools/list", "resources/list", "resources/templates/list", "resources/read", "prompts/list",
  ]

  private func enveloped(_ result: Fields) -> Fields {
    var result = result
    if result["resultType"] == nil { result["resultType"] = "complete" }
    if Self.kept.contains(where: { $0.isSame(as: request.method) }) {
      // Devices and their states change at any time, and only for this client.
      result["ttlMs"] = 0
      result["cacheScope"] = "private"
    }
    var meta = result["_meta"]?.map ?? [:]
    meta[EnvelopeKey.serverInfo] = .map(server.info)
    result["_meta"] = .map(meta)
    return result
  }
}

/// Where a server's messages go, each as a line with its line feed.
package final class MessageSink {
  /// Sends one message.
  package let send: ([UInt8]) -> Void

  /// - Parameter send: takes one message as a line with its line feed.
  package init(_ send: @escaping ([UInt8]) -> Void) { self.send = send }
}
