import Agent
import AgentProcess
import Glibc
import Linux
import Model
import ProcessTestKit
import TestKit
import Testing

/// A mind as the daemon runs it: in its sandbox, with the seccomp filter, from a manifest without a program.
@Suite(.enabled(if: SandboxRoom.absence == nil, "\(SandboxRoom.absence ?? "")")) final class SandboxedTests {
  private let room: SandboxRoom

  init() throws {
    var limits = ProcessLimits()
    limits.start = .seconds(60)
    room = try SandboxRoom(limits: limits)
  }

  /// Handles one event.
  private func run(_ host: ScriptedHost, _ change: (inout Manifest) -> Void = { _ in }) throws -> AgentFailure? {
    var manifest = room.manifest(Mind.program)
    manifest.mind = Mind()
    manifest.permissions.paths = SandboxRoom.runtimeFolders + host.paths
    change(&manifest)
    let file = try System.open(manifest.file, O_WRONLY | O_CREAT, mode: 0o644)
    try System.writeAll(file.number, Array("{}".utf8))
    let failure = handleOneEvent(manifest, room.driver, host) { room.run(until: $0) }
    room.settle()
    return failure
  }

  @Test func itWorksThere() throws {
    let notes = try TemporaryFolder(in: room.folder)
    Files.setMode(notes.path, 0o755)
    try notes.write("a.txt", "hello")
    Files.setMode("\(notes.path)/a.txt", 0o644)
    let host = ScriptedHost([
      .calls(.fan()), .calls(ToolCall("fs.read", ["path": .string("\(notes.path)/a.txt")])),
      .calls(ToolCall("fs.write", ["path": "/data/new.txt", "content": "written"])),
      .calls(ToolCall("fs.read", ["path": "/data/new.txt"])),
      .calls(ToolCall("fs.read", ["path": "/etc/ld.so.cache"])), .calls(ToolCall("fs.list", ["path": "/"])),
      ModelAnswer(text: "done"),
    ])
    host.paths = [notes.path]
    #expect(try run(host) { $0.permissions.data = 1 << 20 } == nil)
    #expect(host.effects == ["control fan on 60.0 seconds"])
    let answers = host.requests.last?.toolAnswers ?? []
    #expect(answers.map { $0["ok"] } == [true, true, true, true, false, false], "\(answers) \(host.logs)")
    #expect(answers.count > 3 && answers[1]["text"] == "hello" && answers[3]["text"] == "written")
    #expect(Files.isFile("\(room.data)/subject/new.txt"))
  }

  /// A server on this machine's loopback, which the sandbox has not: through the proxy, and only if its host is listed.
  @Test(.enabled(if: Files.isFile("/usr/bin/python3"), "python3 is not installed"), arguments: [true, false])
  func serversByHTTPAreReachedThroughTheProxy(_ isListed: Bool) throws {
    let server = try HTTPServerTests.Server(["handshake", "stream"])
    let host = ScriptedHost([.calls(ToolCall("mcp.web.echo", ["text": "hello"])), ModelAnswer(text: "done")])
    host.mind = ["servers": [["name": "web", "url": .string(server.url)]]]
    #expect(try run(host) { $0.permissions.hosts = isListed ? ["127.0.0.1:\(server.port)"] : ["example.org"] } == nil)
    #expect(host.requests[0].tools.contains { $0.name == "mcp.web.echo" } == isListed, "\(host.logs)")
    guard isListed else {
      return #expect(host.logs.contains { $0.contains("MCP server 'web': ") }, "\(host.logs)")
    }
    #expect(host.requests.last?.toolAnswers == [["ok": true, "content": [#"{"text": "hello"}"#]]], "\(host.logs)")
  }
}
