import Document
import MCP
import MCPServer
import Model

/// A server on a fake board, and what it has sent.
final class Bench {
  let board = FakeBoard()
  let server: BoardServer
  private(set) var sent: [String] = []

  init() { server = BoardServer(board, version: "1") }

  /// Takes a line, and gives what is sent in answer.
  @discardableResult
  func take(_ line: String) -> [String] {
    let before = sent.count
    server.take(
      Array(line.utf8)[...],
      answeringTo: MessageSink { [self] in sent.append(String(decoding: $0.dropLast(), as: UTF8.self)) })
    board.settle()
    return Array(sent[before...])
  }

  /// Asks in the era of envelopes.
  /// - Returns: the result; nil for an error.
  func ask(_ method: String, _ params: Fields = [:], meta: Fields = [:]) -> Value? {
    var all: Fields = [EnvelopeKey.protocolVersion: "2026-07-28", EnvelopeKey.clientCapabilities: [:]]
    for (name, value) in meta { all[name] = value }
    var params = params
    params["_meta"] = .map(all)
    let message: Value = ["jsonrpc": "2.0", "id": 1, "method": .string(method), "params": .map(params)]
    return take(JSON.text(message)).last.flatMap { try? JSON.decode(Array($0.utf8)[...])["result"] }
  }

  /// Calls a tool.
  func call(_ tool: String, _ arguments: Fields = [:], meta: Fields = [:]) -> Value? {
    ask("tools/call", ["name": .string(tool), "arguments": .map(arguments)], meta: meta)
  }

  /// The entries of `tools/list`, by name.
  var tools: [String: Value] {
    Dictionary(
      uniqueKeysWithValues: (ask("tools/list")?["tools"]?.list ?? []).map { ($0["name"]?.string ?? "", $0) })
  }
}
