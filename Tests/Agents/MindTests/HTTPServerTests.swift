import Glibc
import Linux
import OpenStarryAgent
import TestKit
import Testing

@testable import MindAgent

/// Tools of MCP servers by HTTP: servers of both protocols, and servers that do their worst.
@Suite(.enabled(if: Files.isFile("/usr/bin/python3"), "python3 is not installed")) struct HTTPServerTests {
  /// A server; its modes are `handshake` or `envelope`, and words that say how it behaves. It prints its port.
  private static let source = #"""
    import http.server, json, sys, time
    modes = sys.argv[1:]
    META = "io.modelcontextprotocol/protocolVersion"
    sessions, log = [], []
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        def log_message(self, *words): pass
        def reply(self, status, body=b"", kind="application/json", **fields):
            self.send_response(status)
            if body or kind: self.send_header("Content-Type", kind)
            for name, value in fields.items(): self.send_header(name.replace("_", "-"), value)
            self.send_header("Content-Length", str(len(body))); self.end_headers(); self.wfile.write(body)
        def say(self, message, **fields):
            body = json.dumps({"jsonrpc": "2.0", **message}).encode()
            if "stream" not in modes: return self.reply(200, body, **fields)
            early = b": hello\n\nevent: message\ndata: " + json.dumps(
                {"jsonrpc": "2.0", "id": 900, "method": "ping"}).encode() + b"\n\n"
            self.reply(200, early + b"event: message\ndata: " + body + b"\n\n", "text/event-stream", **fields)
        def do_POST(self):
            text = self.rfile.read(int(self.headers["Content-Length"]))
            message = json.loads(text)
            method, params, number = message.get("method"), message.get("params", {}), message.get("id")
            version, session = self.headers["MCP-Protocol-Version"], self.headers["Mcp-Session-Id"]
            if "unauthorised" in modes: return self.reply(401, b"who are you?", "text/plain")
            if "elsewhere" in modes: return self.reply(302, b"", None, Location="http://127.0.0.1:9/mcp")
            if "page" in modes: return self.reply(200, b"<html>hello</html>", "text/html")
            if "garbage" in modes: return self.reply(200, b"{no")
            if "silent" in modes: return time.sleep(60)
            if "huge" in modes: return self.reply(200, b"[" * (3 << 20))
            if "breaks" in modes:
                self.send_response(200); self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", "500"); self.end_headers(); self.wfile.write(b'{"jsonrpc":')
                self.close_connection = True
                return
            if method is None: return self.reply(202, b"", None)
            if "envelope" in modes:
                if method == "initialize": return self.reply(404, json.dumps({"jsonrpc": "2.0", "id": number,
                    "error": {"code": -32601, "message": "no"}}).encode())
                name = params.get("name") if method == "tools/call" else None
                if (version != "2026-07-28" or params.get("_meta", {}).get(META) != version or session
                        or self.headers["Mcp-Method"] != method or self.headers["Mcp-Name"] != name):
                    return self.reply(400, json.dumps({"jsonrpc": "2.0", "id": None,
                        "error": {"code": -32020, "message": "head and body disagree"}}).encode())
                if method == "server/discover": return self.say({"id": number, "result": {
                    "supportedVersions": ["2026-07-28"], "capabilities": {}, "resultType": "complete"}})
            else:
                if method == "initialize":
                    sessions.append(f"s{len(sessions)}")
                    return self.say({"id": number, "result": {"protocolVersion": "2025-06-18", "capabilities": {},
                        "serverInfo": {"name": "s", "version": "1"}}}, Mcp_Session_Id=sessions[-1])
                if not session: return self.reply(400, b"no session", "text/plain")
                if session not in sessions: return self.reply(404, b"", None)
                if version != "2025-06-18": return self.reply(400, b"which revision?", "text/plain")
                if method == "notifications/initialized": return self.reply(202, b"", None)
            if method == "tools/list": return self.say({"id": number, "result": {"tools": [
                {"name": name, "inputSchema": {"type": "object", "properties": {"text": {"type": "string"}}}}
                for name in ("echo", "forget", "hang", "empty")]}})
            name = params["name"]
            if name == "forget": sessions.clear()
            if name == "hang": return time.sleep(60)
            if name == "empty": return self.reply(202, b"", None)
            content = [{"type": "text", "text": json.dumps(params["arguments"])}]
            self.say({"id": number, "result": {"content": content, "resultType": "complete"}})
        def do_GET(self): self.reply(405, b"", None)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    print(server.server_address[1], flush=True)
    server.serve_forever()
    """#

  /// A running server.
  final class Server {
    /// Where it is.
    let url: String
    var port: String { String(url.dropFirst("http://127.0.0.1:".count).prefix { $0 != "/" }) }
    private let folder: TemporaryFolder
    private let program: PipedProgram

    init(_ modes: [String]) throws {
      folder = try TemporaryFolder()
      try folder.write("server.py", HTTPServerTests.source)
      var program = try PipedProgram.start(["/usr/bin/python3", "\(folder.path)/server.py"] + modes)
      let line = try program.read(until: System.monotonicNanoseconds() + 120_000_000_000)
      url = "http://127.0.0.1:\(String(decoding: line ?? [], as: UTF8.self))/mcp"
      self.program = program
    }
  }

  private func bench(_ url: String, _ answers: [ModelAnswer], timeout: Int64 = 30_000) -> (Bench, ScriptedHost) {
    let host = ScriptedHost(answers)
    host.mind = [
      "servers": [["name": "s", "url": .string(url)]], "frustration_threshold": 100, "error_window": 100,
      "max_tool_rounds": 100, "repetitive_fail_threshold": 100, "tool_timeout_ms": .int(timeout),
    ]
    return (Bench(host), host)
  }

  @Test(arguments: [["handshake"], ["envelope"], ["handshake", "stream"], ["envelope", "stream"]])
  func bothProtocolsAreSpoken(_ modes: [String]) throws {
    let server = try Server(modes)
    let echo = ModelAnswer.calls(ToolCall("mcp.s.echo", ["text": "hello"]))
    var (bench, host) = bench(server.url, [echo, echo])
    try bench.handle()
    let names = host.requests[0].tools.map(\.name).filter { $0.hasPrefix("mcp.") }
    #expect(names == ["echo", "forget", "hang", "empty"].map { "mcp.s.\($0)" }, "\(host.logs)")
    let answer: Fields = ["ok": true, "content": [#"{"text": "hello"}"#]]
    #expect(host.requests.last?.toolAnswers == [.map(answer), .map(answer)])
  }

  @Test func aForgottenSessionIsOpenedAnew() throws {
    let server = try Server(["handshake"])
    let (echo, forget) = (ToolCall("mcp.s.echo", [:]), ToolCall("mcp.s.forget", [:]))
    var (bench, host) = bench(server.url, [.calls(forget), .calls(echo), .calls(echo)])
    try bench.handle()
    let answers = host.requests.last?.toolAnswers ?? []
    #expect(answers.map { $0["ok"] } == [true, false, true], "\(answers)")
    #expect(answers.count > 1 && answers[1]["error"] == "the server 's' has forgotten the session")
  }

  @Test func aCallThatHangsIsGivenUp() throws {
    let server = try Server(["handshake"])
    let (echo, hang) = (ToolCall("mcp.s.echo", [:]), ToolCall("mcp.s.hang", [:]))
    var (bench, host) = bench(
      server.url, [.calls(hang), .calls(echo), .calls(ToolCall("mcp.s.empty", [:])), .calls(echo)], timeout: 4000)
    try bench.handle()
    let answers = host.requests.last?.toolAnswers ?? []
    #expect(answers.map { $0["ok"] } == [false, true, false, true], "\(answers)")
    #expect(answers.first?["error"] == "the server 's' did not answer tools/call in time")
    #expect(answers.count > 2 && answers[2]["error"] == "the server 's' has answered without a message")
  }

  @Test(arguments: [
    ("unauthorised", "HTTP status 401: it wants a key"), ("elsewhere", "HTTP status 302, a redirection"),
    ("page", "Content-Type 'text/html'"), ("garbage", "no message"), ("huge", "too long"),
    ("breaks", "broke off its answer"), ("silent", "in time"),
  ]) func aServerThatDoesItsWorstCostsItsTools(_ mode: String, _ words: String) throws {
    let server = try Server([mode])
    var (bench, host) = bench(server.url, [], timeout: 4000)
    try bench.handle()
    #expect(bench.end == .answered && !host.requests[0].tools.contains { $0.name.hasPrefix("mcp.") })
    #expect(host.logs.contains { $0.contains("MCP server 's': ") && $0.contains(words) }, "\(host.logs)")
  }

  @Test func aServerOutOfReachIsSaid() throws {
    var (bench, host) = bench("http://127.0.0.1:9/mcp", [])
    try bench.handle()
    #expect(host.logs.contains { $0.contains("the server 's' cannot be reached: ") }, "\(host.logs)")
  }
}
