import Agent
import AgentProcess
import EventLoop
import Glibc
import LauncherClient
import Linux
import Model
import ProcessTestKit
import TestKit
import Testing
import Wire

/// What a start makes of what is found at the socket of the settings. No real engine is needed.
@Suite(.enabled(if: geteuid() == 0, "the launcher gives up root's rights"))
struct EngineAnswerTests {
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    _ = unsafe chmod(folder.path, 0o755)
  }

  private func failure(_ name: String, _ change: (ContainerAgentCase) throws -> Void = { _ in }) throws -> AgentFailure
  {
    let agent = try ContainerAgentCase(.docker, socket: "\(folder.path)/\(name)")
    try change(agent)
    try agent.start("exit 0")
    return try #require(agent.startFailure)
  }

  struct Place: Sendable {
    var name: String
    var text: String
  }

  @Test(arguments: [
    Place(name: "nothing", text: "there is no"), Place(name: "file", text: "is no socket"),
    Place(name: "folder", text: "is no socket"), Place(name: "left", text: "nobody listens at"),
    Place(name: "closed", text: "the launcher may not use"),
  ]) func whatIsNoEngineIsCalledByItsName(_ place: Place) throws {
    try folder.write("file", "")
    try Files.makeFolder("\(folder.path)/folder")
    for name in ["file", "folder"] { _ = unsafe chmod("\(folder.path)/\(name)", 0o777) }
    let closed = try UnixSocket.listen("\(folder.path)/closed", mode: 0o600)
    close(try UnixSocket.listen("\(folder.path)/left", mode: 0o666).release())
    defer { _ = closed.number }
    let failure = try failure(place.name)
    #expect(failure.reason == .engineAway)
    #expect(failure.message.contains(place.text) && failure.message.contains(folder.path), "\(failure)")
  }

  /// Answers every request as `answers` says, by the begin of the request's first line; with 404 otherwise.
  private final class Engine {
    private let listener: Descriptor
    private let loop: EventLoop
    private var watch: WatchID?
    private(set) var requests: [String] = []

    init(_ path: String, on loop: EventLoop, _ answers: [(String, String)]) throws {
      listener = try UnixSocket.listen(path, mode: 0o666)
      self.loop = loop
      watch = try loop.watch(listener.number, for: .readable) { [unowned self] _ in
        guard let connection = (try? UnixSocket.accept(listener.number)) ?? nil else { return }
        var readable = pollfd(fd: connection.number, events: Int16(POLLIN), revents: 0)
        _ = unsafe poll(&readable, 1, 60_000)
        var bytes: [UInt8] = []
        _ = try? System.read(connection.number, into: &bytes, limit: 65_536)
        let line = String(decoding: bytes.prefix { $0 != 0x0D }, as: UTF8.self)
        requests.append(line)
        let answer = answers.first { line.hasPrefix($0.0) }?.1 ?? "HTTP/1.0 404 Not Found\r\n\r\n{\"message\":\"none\"}"
        try? System.writeAll(connection.number, Array(answer.utf8))
      }
    }

    deinit { if let watch { loop.unwatch(watch) } }
  }

  private static let version = ("GET /version", "HTTP/1.0 200 OK\r\n\r\n{\"Version\":\"1\",\"MinAPIVersion\":\"1.24\"}")
  private static let none = ("GET /v1.40/containers/json", "HTTP/1.0 200 OK\r\n\r\n[]")

  private func failure(_ answers: [(String, String)]) throws -> (AgentFailure, [String]) {
    var engine: Engine?
    let failure = try failure("engine") { engine = try Engine("\(folder.path)/engine", on: $0.room.loop, answers) }
    return (failure, engine?.requests ?? [])
  }

  @Test(arguments: ["", "no JSON", "[]", "{}", "{\"Config\":{}", "{\"Config\":{},\"Id\":\"\"}"])
  func anImageWithoutADescription(_ body: String) throws {
    let (failure, _) = try failure([
      Self.version, Self.none, ("GET /v1.40/images/", "HTTP/1.0 200 OK\r\n\r\n\(body)"),
    ])
    #expect(
      failure
        == AgentFailure(
          .startFailed,
          "the container cannot be started: the engine does not describe the image: its answer (HTTP 200) cannot be "
            + "understood"))
  }

  @Test func whatAnEngineSaysIsReadable() throws {
    let (failure, _) = try failure([
      Self.version, Self.none,
      ("GET /v1.40/images/", #"HTTP/1.0 500 No\#r\#n\#r\#n{"message":"a \"b\" \\ \/ \u00e4\ud83d\ude00\nc\u0007d"}"#),
    ])
    #expect(
      failure.message
        == #"the container cannot be started: the engine does not describe the image: a "b" \ / ä?? c d"#)
  }

  @Test func oneThatIsStillStartingIsAway() throws {
    let (failure, _) = try failure([Self.version, ("GET /v1.40/containers", "HTTP/1.0 503 Later\r\n\r\n{}")])
    #expect(failure.reason == .engineAway)
  }

  @Test(arguments: ["", "220 mail.example.org ESMTP\r\n", "HTTP/1.1 x"]) func whatSpeaksAnotherLanguage(_ text: String)
    throws
  {
    let (failure, _) = try failure([("GET", text)])
    #expect(failure.reason == .engineAway)
    #expect(failure.message.contains(text.isEmpty ? "has ended" : "is no Docker engine"), "\(failure)")
  }

  /// Docker 29 knows no version of the API before 1.44.
  @Test func aNewEngineIsAskedInAVersionThatItKnows() throws {
    let (failure, requests) = try failure([
      ("GET /version", "HTTP/1.0 200 OK\r\n\r\n{\"Version\":\"29\",\"MinAPIVersion\":\"1.44\"}"),
      ("GET /v1.44/containers/json", "HTTP/1.0 200 OK\r\n\r\n[]"),
    ])
    #expect(failure.message.contains("does not have the image"), "\(failure)")
    #expect(requests.dropFirst().allSatisfy { $0.hasPrefix("GET /v1.44/") } && requests.count == 3, "\(requests)")
  }

  // MARK: The doctor's question

  private func answer(_ name: String, _ answers: [(String, String)]? = nil) throws -> EngineProbe.Answer? {
    let agent = try ContainerAgentCase(.docker)
    let path = "\(folder.path)/\(name)"
    let engine = try answers.map { try Engine(path, on: agent.room.loop, $0) }
    var answer: EngineProbe.Answer?
    EngineProbe(agent.room.loop, agent.room.launcher, socket: path).run { answer = $0 }
    agent.room.run { answer != nil }
    _ = engine
    return answer
  }

  @Test func theLauncherSaysWhichEngineThereIs() throws {
    #expect(try answer("engine", [Self.version]) == .version("1"))
    #expect(
      try answer("nothing")
        == .obstacle("there is no \(folder.path)/nothing: is the engine running (systemctl start docker)?"))
    try folder.write("file", "")
    _ = unsafe chmod("\(folder.path)/file", 0o666)
    #expect(
      try answer("file") == .obstacle("\(folder.path)/file is no socket: 'docker' in the settings names the engine's"))
    #expect(
      try answer("other", [("GET", "HTTP/1.0 200 OK\r\n\r\nhello")])
        == .obstacle("what listens at \(folder.path)/other is no Docker engine: see 'docker' in the settings"))
  }

  // MARK: The folder of the agents' sockets

  @Test(arguments: [0o777, 0o720]) func aFolderThatOthersMayWriteTo(_ mode: UInt32) throws {
    let failure = try failure("nothing") { _ = unsafe chmod($0.room.door, mode) }
    #expect(failure.reason == .startFailed)
    #expect(failure.message.hasSuffix("/door: others may write to it (chmod 700)"), "\(failure)")
  }

  @Test func aFolderOfRoot() throws {
    let failure = try failure("nothing") { _ = unsafe chown($0.room.door, 0, 0) }
    #expect(failure.message.hasSuffix("/door: Permission denied"), "\(failure)")
  }
}
