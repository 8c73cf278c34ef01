import Glibc
import Linux
import TestKit

/// A model on loopback that a test plays: it asks for one tool, and then says one sentence. As a program, because the tests'
/// process may be waiting meanwhile.
final class MindServer {
  private static let script = """
    import http.server, json, sys, time
    class Server(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with open(sys.argv[1] + "/asked", "a") as log:
                log.write(json.dumps(body) + "\\n")
            wish = open(sys.argv[1] + "/wish").read().strip()
            if wish == "silence": time.sleep(600)
            last = body["messages"][-1]
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            def send(delta, **rest):
                chunk = {"choices": [{"index": 0, "delta": delta, "finish_reason": rest.get("finish")}]}
                self.wfile.write(("data: " + json.dumps(chunk) + "\\n\\n").encode())
            if wish and last["role"] != "tool":
                name, arguments = wish.split(" ", 1)
                send({"tool_calls": [{"index": 0, "id": "c1", "type": "function", "function": {"name": name, "arguments": arguments}}]})
                send({}, finish="tool_calls")
            else:
                for word in ("It ", "is ", "done."):
                    send({"content": word})
                send({}, finish="stop")
            usage = {"choices": [], "usage": {"prompt_tokens": len(json.dumps(body)) // 4, "completion_tokens": 7}}
            self.wfile.write(("data: " + json.dumps(usage) + "\\n\\ndata: [DONE]\\n\\n").encode())
        def log_message(self, *words): pass
    server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), Server)
    with open(sys.argv[1] + "/port.new", "w") as file: file.write(str(server.server_port))
    import os; os.rename(sys.argv[1] + "/port.new", sys.argv[1] + "/port")
    server.serve_forever()
    """

  private let folder: TemporaryFolder
  private let process: Int32
  let port: Int

  static let absence: String? = Files.isFile("/usr/bin/python3") ? nil : "there is no /usr/bin/python3"

  /// - Parameter port: 0 for any.
  init(port wanted: Int = 0) throws {
    folder = try TemporaryFolder()
    try folder.write("wish", [])
    process = try Spawn.start(
      SpawnPlan("/usr/bin/python3", ["python3", "-B", "-c", Self.script, folder.path, "\(wanted)"]))
    let path = "\(folder.path)/port"
    for _ in 0..<6000 where !Files.isFile(path) { usleep(10_000) }
    port = Int(String(decoding: try Files.read(path), as: UTF8.self)) ?? 0
  }

  deinit {
    kill(process, SIGKILL)
    _ = try? Spawn.wait(for: process)
  }

  var url: String { "http://127.0.0.1:\(port)/v1" }

  /// What it asks for first: a tool and its arguments; empty for nothing. After `silence` it does not answer.
  func wish(_ text: String) throws { try Files.replace("\(folder.path)/wish", with: Array(text.utf8)) }

  /// What it was asked, one request on a line.
  var asked: [Substring] {
    let text = String(decoding: (try? folder.bytes("asked")) ?? [], as: UTF8.self)
    return text.split(separator: "\n")
  }
}
