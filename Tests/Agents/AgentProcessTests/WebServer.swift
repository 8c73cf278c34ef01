import Glibc
import Linux
import ProcessTestKit
import Testing

/// A web server on a port of loopback that says what it was asked for.
final class WebServer {
  let port: Int
  private let process: Int32
  private var isStopped = false

  /// - Parameter run: runs the loop until what it is given is true.
  init(_ run: (_ isDone: () -> Bool) -> Void) throws {
    let pipe = try System.pipe()
    let reading = Descriptor(owning: pipe.reading)
    let writing = Descriptor(owning: pipe.writing)
    var plan = SpawnPlan("/usr/bin/python3", ["python3", "-S", "-c", Self.serverText])
    plan.output = .descriptor(writing.number)
    process = try Spawn.start(plan)
    try System.setNonBlocking(reading.number)
    var bytes: [UInt8] = []
    run {
      _ = try? System.read(reading.number, into: &bytes)
      return bytes.last == UInt8(ascii: "\n")
    }
    port = try #require(Int(String(decoding: bytes.dropLast(), as: UTF8.self)), "the server has no port")
  }

  deinit { stop() }

  /// Ends the server.
  func stop() {
    guard !isStopped else { return }
    isStopped = true
    kill(process, SIGKILL)
    var status: Int32 = 0
    _ = unsafe waitpid(process, &status, 0)
  }

  private static let serverText = """
    import http.server
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        def log_message(self, *words): pass
        def answer(self, text):
            self.send_response(200)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())
        def do_GET(self): self.answer("GET " + self.path)
        def do_POST(self): self.answer(f"POST {len(self.rfile.read(int(self.headers['Content-Length'])))}")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_address[1], flush=True)
    server.serve_forever()
    """
}
