import Document
import Linux
import MCPServer
import Model
import RPC
import TestKit

/// Messages of a client of MCP, one on a line, to a server on a session of a real daemon with a simulated board: every
/// request is answered once, with JSON on one line, and an emergency stop still works afterwards.
package final class MCPTarget: FuzzTarget {
  package let name = "mcp"
  package let longest = 12_000
  private let folder: String
  private let mutator = ValueMutator(words: MCPTarget.terms)

  /// - Parameter folder: for the home folders of successive daemons.
  package init(folder: String) { self.folder = "\(folder)/mcp" }

  private static let terms = [
    "jsonrpc", "2.0", "id", "method", "params", "_meta", "io.modelcontextprotocol/protocolVersion", "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities", "io.modelcontextprotocol/clientInfo", "traceparent",
    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "initialize", "protocolVersion", "2025-11-25", "ping",
    "server/discover", "tools/list", "tools/call", "resources/list", "resources/read", "resources/subscribe",
    "resources/unsubscribe", "resources/templates/list", "subscriptions/listen", "notifications/initialized",
    "notifications/cancelled", "requestId", "prompts/list", "prompts/get", "name", "arguments", "cursor", "uri",
    "openstarry://devices", "openstarry://causes/fan", "openstarry://files/board", "openstarry://devices/",
    "notifications", "resourceSubscriptions", "toolsListChanged", "device", "command", "lease_ms", "devices", "read",
    "control", "release", "snapshot", "why", "events", "emit", "rules_test", "rules_explain", "rules_check", "history",
    "doctor", "diagnose", "write_rule", "wish", "fan", "lamp", "temperature", "cam0", "on", "off", "pulse_ms", "text",
    "rules: []\n", "</data>", "last", "pattern", "type", "payload", "probe:go", "\u{202E}",
  ]

  package var words: [String] { Self.terms }

  package func make(_ random: inout SeededGenerator, _ pool: Pool) -> [UInt8]? {
    guard Int.random(in: 0..<4, using: &random) > 0 else { return nil }
    var lines: [[UInt8]] = []
    for line in pool.any(&random).split(separator: 10).prefix(32) {
      switch Int.random(in: 0..<6, using: &random) {
      case 0: continue
      case 1, 2, 3:
        guard let value = try? JSON.decode(line) else { fallthrough }
        lines.append(JSON.encode(mutator.mutate(value, ["params": [:]], &random)))
      case 4: lines += [Array(line), Array(line)]
      default: lines.append(Array(line))
      }
    }
    return Array(lines.joined(separator: [10]))
  }

  package func run(_ input: [UInt8], _ seen: inout Seen) throws {
    TemporaryFolder.remove(folder)
    try Files.makeFolder(folder)
    let daemon = try TestDaemon(board: FuzzBoard.board, manifests: [FuzzBoard.probe], home: folder)
    daemon.start()
    try daemon.listen()
    let result = Swift.Result { try converse(input, daemon) }
    try daemon.end()
    seen = try result.get()
  }

  private func converse(_ input: [UInt8], _ daemon: TestDaemon) throws -> Seen {
    var (seen, book, problem) = (Seen(), AnswerBook(), String?.none)
    let board = try SessionBoard(daemon)
    let server = BoardServer(board, version: "1")
    let sink = MessageSink { line in
      if line.last != 10 || line.dropLast().contains(10) { problem = "a message is not one line" }
      book.received(line.dropLast()[...])
    }
    server.push = sink
    for line in input.split(separator: 10) {
      book.sent(line, takesResponses: true)
      server.take(line, answeringTo: sink)
      try board.settle()
    }
    daemon.loop.pass(.seconds(1), step: .milliseconds(100))
    try board.settle()
    server.endStreams()
    if let problem { throw Violation(problem) }
    try book.checkForm(&seen)
    // What a client takes back is not answered.
    if !String(decoding: input, as: UTF8.self).has("cancelled") { try book.checkCount() }
    board.close()
    daemon.loop.pass(.milliseconds(100), step: .milliseconds(10))
    try ControlTarget.stop(daemon)
    return seen
  }
}

/// A board behind the control socket of a test daemon.
private final class SessionBoard: BoardAccess {
  private let daemon: TestDaemon
  private let client: ControlClientEnd
  private var lastID: Int64 = 0
  private var due: [() -> Void] = []
  private var waiting: [(id: Int64, done: (Result<Answer, RPCError>) -> Void)] = []
  private var offered: Catalogue?

  init(_ daemon: TestDaemon) throws {
    self.daemon = daemon
    client = try ControlClientEnd(daemon)
    var answers: [Result<Answer, RPCError>] = []
    for method in ["session.restrict", "daemon.methods", "hal.devices"] {
      call(method, [:], nil) { answers.append($0) }
    }
    try settle()
    offered = Catalogue(
      methods: try answers[1].get().result, devices: try answers[2].get().result, operates: true, reachesAll: true)
  }

  func close() { client.close() }

  var time: any Timekeeper { daemon.loop }

  func catalogue(_ done: @escaping (Result<Catalogue, RPCError>) -> Void) {
    guard let offered else { return }
    due.append { done(.success(offered)) }
  }

  func call(
    _ method: String, _ params: Fields, _ trace: TraceParent?, _ done: @escaping (Result<Answer, RPCError>) -> Void
  ) {
    lastID += 1
    waiting.append((lastID, done))
    let request = Request(id: .number(lastID), method: method, params: params, trace: trace)
    due.append { [client] in try? client.send(Array(request.encoded().dropLast())) }
  }

  func follow(_ onNews: @escaping (News) -> Void) { due.append { onNews(.missed) } }

  func unfollow() {}

  func examine(_ done: @escaping (Result<Value, RPCError>) -> Void) {
    due.append { done(.success(["findings": []])) }
  }

  /// Sends what is due, and gives the answers.
  func settle() throws {
    while !due.isEmpty || !waiting.isEmpty {
      while !due.isEmpty { due.removeFirst()() }
      guard !waiting.isEmpty else { continue }
      try client.settle()
      let all = waiting
      waiting = []
      for (id, done) in all {
        guard let answer = client.answers.first(where: { $0["id"]?.int == id && $0["method"] == nil }) else {
          throw Violation("the daemon did not answer")
        }
        done(
          answer["error"].flatMap { RPCError($0) }.map { .failure($0) }
            ?? .success(Answer(result: answer["result"] ?? .null)))
      }
    }
  }
}
