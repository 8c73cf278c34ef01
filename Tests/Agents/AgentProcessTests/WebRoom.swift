import Agent
import AgentProcess
import Glibc
import Linux
import Model
import OpenStarryAgent
import ProcessTestKit
import Testing

/// A web server on loopback, and agents in Python that are told what to fetch.
final class WebRoom {
  let room: SandboxRoom
  private let server: WebServer
  var port: Int { server.port }

  /// Why there is none on this machine; nil when there is.
  static let absence: String? = {
    if let absence = SandboxRoom.absence { return absence }
    return Files.isFile("/usr/bin/python3") ? nil : "python3 is not installed"
  }()

  init() throws {
    var limits = ProcessLimits()
    limits.start = .seconds(60)
    room = try SandboxRoom(limits: limits)
    server = try WebServer(room.run)
  }

  /// Ends the server.
  func stop() { server.stop() }

  /// Starts an agent with these hosts.
  func agent(_ hosts: [String]) throws -> WebAgent {
    var manifest = try room.program("agent.py", "#!/usr/bin/python3 -S\n" + Self.agentText)
    manifest.permissions.hosts = hosts
    return try WebAgent(manifest, room)
  }

  private static let agentText = #"""
    import json, os, socket, struct, urllib.error, urllib.request
    PROXY = ("127.0.0.1", 3128)
    held = []
    def get(stream, path):
        stream.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
        answer = b""
        while part := stream.recv(65536):
            answer += part
        head, body = answer.split(b"\r\n\r\n", 1)
        return head.split()[1].decode() + " " + body.decode()
    def ask(words):
        if words[0] == "fetch":
            data = bytes(int(words[2])) if len(words) > 2 else None
            try:
                with urllib.request.urlopen(words[1], data, timeout=60) as answer:
                    return f"{answer.status} {answer.read().decode()}"
            except urllib.error.HTTPError as error:
                return f"{error.code} {error.read().decode().strip()}"
        if words[0] == "variables":
            return " ".join(sorted(name for name in os.environ if "proxy" in name.lower()))
        stream = socket.create_connection(PROXY)
        if words[0] == "connect":
            stream.sendall(f"CONNECT {words[1]}:{words[2]} HTTP/1.1\r\n\r\n".encode())
            answer = b""
            while not answer.endswith(b"\r\n\r\n"):
                answer += stream.recv(1)
            return get(stream, "/tunnel")
        if words[0] == "socks":
            stream.sendall(b"\x05\x01\x00")
            stream.recv(2)
            stream.sendall(b"\x05\x01\x00\x03" + bytes([len(words[1])]) + words[1].encode() + struct.pack(">H", int(words[2])))
            reply = stream.recv(10)[1]
            return get(stream, "/socks") if reply == 0 else f"reply {reply}"
        if words[0] == "hold":
            for _ in range(int(words[3])):
                held.append(socket.create_connection(PROXY))
                held[-1].sendall(f"CONNECT {words[1]}:{words[2]} HTTP/1.1\r\n\r\n".encode())
            return "held"
    link = socket.socket(fileno=3)
    link.sendall(b'{"method":"ready","params":{"abi":1}}\n')
    for line in link.makefile("r"):
        request = json.loads(line)
        if request.get("method") == "activate":
            try:
                answer = ask(request["params"]["event"]["payload"]["words"].split())
            except OSError as error:
                answer = error.strerror or str(error)
            print("answer:" + answer, flush=True)
        link.sendall(json.dumps({"id": request["id"], "result": {}}).encode() + b"\n")
        if request.get("method") == "stop":
            break
    """#
}

/// One of these agents.
final class WebAgent {
  private let room: SandboxRoom
  private let host = RecordingHost()
  private var instance: (any AgentInstance)?
  private var ends: [AgentEnd] = []

  /// Its log.
  var lines: [String] { host.lines }

  init(_ manifest: Manifest, _ room: SandboxRoom) throws {
    self.room = room
    try room.driver.validate(manifest)
    var started: Result<any AgentInstance, AgentFailure>?
    room.driver.start(manifest, host: host, ended: { [weak self] in self?.ends.append($0) }) { started = $0 }
    room.run { started != nil }
    instance = try started?.get()
  }

  /// Fetches a URL through the variables of the environment.
  func fetch(_ url: String, body: Int? = nil) throws -> String {
    try ask("fetch \(url)" + (body.map { " \($0)" } ?? ""))
  }

  /// Wakes the agent, and returns its answer once its log has it.
  func ask(_ words: String) throws -> String {
    let before = answers.count
    let id = ULID(high: 1, low: 1)
    var outcome: Result<Void, AgentFailure>?
    instance?.activate(Event(id: id, type: "test:event", trace: id, payload: ["words": .string(words)])) {
      outcome = $0
    }
    room.run { outcome != nil && answers.count > before || !ends.isEmpty }
    // What the proxy has reported meanwhile.
    room.settle()
    return try #require(answers.count > before ? answers.last : nil, "\(ends) \(lines)")
  }

  private var answers: [String] {
    lines.filter { $0.hasPrefix("answer:") }.map { String($0.dropFirst("answer:".count)) }
  }

  func stop() {
    var isStopped = false
    instance?.stop(now: true) { isStopped = true }
    room.run { isStopped }
  }
}
