import Companion
import Glibc
import LanguageModel
import LanguageModelClient
import Linux
import Model
import ModelServerKit
import OpenStarryAgent
import TestKit
import Testing
import Wire

/// The life of the program and of its calls.
@Suite(.enabled(if: ModelServer.absence == nil, "there is no /usr/bin/python3")) struct ProcessTests {
  private static let hello = ModelServer.stream([ModelServer.chunk("Hello"), ModelServer.finish(), "[DONE]"])
  private static let begun: [ModelServer.Step] = [
    ModelServer.streamHead, .text("data: \(ModelServer.chunk("Once"))\n\n"), .pause(600),
  ]

  /// The server sees a cancelled call's connection end, and stops its work.
  @Test func aCancelledCallHangsUp() throws {
    let server = try ModelServer()
    let room = try Room()
    let call = room.begin(try server.url("long", Self.begun))
    let thinking = room.begin(try server.url("thinking", [.pause(600)]))
    room.loop.run { call.text == "Once" && !server.log("thinking").isEmpty }
    room.link.cancel(call.id)
    room.link.cancel(thinking.id)
    room.loop.run { server.log("long").last?.what == "gone" && server.log("thinking").last?.what == "gone" }
    #expect(server.log("long").last?.what == "gone" && server.log("thinking").last?.what == "gone")
    #expect(call.news == [.text("Once")] && thinking.news.isEmpty)
    // It lives on.
    let process = room.link.process
    #expect(room.ask(try server.url("next", [Self.hello])).text == "Hello")
    #expect(room.link.process == process)
  }

  @Test func aCallIsCancelledBeforeItBegins() throws {
    let server = try ModelServer()
    let room = try Room()
    let call = room.begin(try server.url("never", [Self.hello]))
    #expect(call.news.isEmpty)
    room.link.cancel(call.id)
    room.link.cancel(call.id)
    #expect(room.ask(try server.url("next", [Self.hello])).text == "Hello")
    #expect(call.news.isEmpty)
  }

  @Test func itsDeathFailsItsCallsAndNothingElse() throws {
    let server = try ModelServer()
    let room = try Room()
    let url = try server.url("long", Self.begun)
    let calls = [room.begin(url), room.begin(url)]
    room.loop.run { calls.allSatisfy { $0.text == "Once" } }
    let process = try #require(room.link.process)
    #expect(kill(process, SIGKILL) == 0)
    room.loop.run { calls.allSatisfy(\.isOver) }
    for call in calls {
      let failure = try #require(call.failure)
      #expect(failure.kind == .lost && failure.wasSent && failure.isCharged, "\(failure)")
    }
    #expect(room.ask(try server.url("next", [Self.hello])).text == "Hello")
    #expect(room.link.process != nil && room.link.process != process)
  }

  /// What the gateway has not taken on when it dies has cost nothing. It takes one of two calls on here, and ends without
  /// reading the other, which the kernel reports before what it has said.
  @Test func onlyWhatWasTakenOnIsCharged() throws {
    let room = try Room()
    let program = "\(room.path)/gateway"
    let script = """
      #!/usr/bin/python3
      import socket, struct, time
      daemon = socket.socket(fileno=3)
      number, = struct.unpack_from("<I", daemon.recv(8192), 8)
      daemon.recv(1, socket.MSG_PEEK)
      daemon.send(b"OM\\x01\\x10" + struct.pack("<II", 12, number))
      """
    try Files.replace(program, with: Array(script.utf8), mode: 0o755)
    let link = LanguageModelLink(room.loop, socket: nil, program: program)
    let calls = [Call(), Call()]
    for call in calls {
      let request = LanguageModelRequest(url: "http://127.0.0.1:9/")
      call.id = link.ask(request, body: [0x7B, 0x7D]) { call.news.append($0) }
    }
    room.loop.run { calls.allSatisfy(\.isOver) }
    #expect(calls.map(\.failure?.kind) == [.lost, .lost])
    #expect(calls.map(\.failure?.isCharged) == [true, false])
    link.close()
  }

  /// A call that comes while the program is about to be started again waits for it.
  @Test func aProgramThatDiesAtOnceIsStartedAgainLater() throws {
    let server = try ModelServer()
    let folder = try TemporaryFolder()
    _ = unsafe chmod(folder.path, 0o777)
    // Dies the first two times.
    let room = try Room(setup: "echo >>\(folder.path)/starts; [ $(wc -l <\(folder.path)/starts) -gt 2 ] || kill -9 $$")
    let url = try server.url("hello", [Self.hello])
    var text = ""
    // One that dies before it gets the call costs the call nothing.
    for _ in 0..<3 where text.isEmpty {
      let call = room.ask(url)
      text = call.text
      #expect(call.failure == nil || call.failure?.kind == .lost, "\(call.news)")
      #expect(call.failure?.isCharged != true, "\(call.news)")
    }
    #expect(text == "Hello")
    #expect(try folder.bytes("starts").count == 3)
  }

  @Test func sixteenCallsAreMadeAtATime() throws {
    let server = try ModelServer()
    let room = try Room()
    let url = try server.url("long", Self.begun)
    let calls = (0..<16).map { _ in room.begin(url) }
    room.loop.run { calls.allSatisfy { $0.text == "Once" } }
    let failure = try #require(room.ask(url).failure)
    #expect(failure.kind == .tooMany && !failure.wasSent)
    #expect(failure.sentence.contains("16 calls"), "\(failure)")
    room.link.cancel(calls[0].id)
    #expect(room.ask(try server.url("next", [Self.hello])).text == "Hello")
    #expect(calls.allSatisfy { !$0.isOver })
  }

  @Test func itEndsWithTheDaemon() throws {
    let server = try ModelServer()
    let room = try Room()
    let call = room.begin(try server.url("long", Self.begun))
    room.loop.run { call.text == "Once" }
    room.link.close()
    room.loop.run { room.link.process == nil && server.log("long").last?.what == "gone" }
    #expect(room.link.process == nil && server.log("long").last?.what == "gone")
    #expect(call.news == [.text("Once")])
  }

  /// 0 MiB at rest.
  @Test func itIsLetGoWhenNobodyCalls() throws {
    let server = try ModelServer()
    let room = try Room()
    #expect(room.ask(try server.url("hello", [Self.hello])).text == "Hello")
    #expect(room.link.process != nil)
    room.loop.run { room.link.process == nil }
    #expect(room.link.process == nil)
    #expect(room.ask(try server.url("again", [Self.hello])).text == "Hello")
  }

  @Test func withoutTheProgramEachCallSaysSo() throws {
    let room = try Room()
    #expect(room.link.absence == nil)
    let link = LanguageModelLink(room.loop, socket: nil, program: nil)
    let absence = try #require(link.absence)
    #expect(absence.contains("openstarry-model is not installed"))
    for _ in 0..<3 {
      var news: [LanguageModelLink.News] = []
      _ = link.ask(LanguageModelRequest(url: "http://127.0.0.1:9/"), body: [0x7B, 0x7D]) { news.append($0) }
      #expect(news.isEmpty)
      room.loop.run { !news.isEmpty }
      #expect(news == [.failed(LanguageModelFailure(.absent, wasSent: false, absence))])
    }
    link.close()
  }

  private static let bubblewrap = "/usr/bin/bwrap"

  /// libcurl is a recommendation of the package: without it a call fails with a sentence.
  @Test(.enabled(if: Files.isFile(bubblewrap), "there is no bubblewrap to hide libcurl with"))
  func withoutLibcurlEachCallSaysSo() throws {
    let server = try ModelServer()
    let folder = try TemporaryFolder()
    let program = Beside.path("openstarry-model")
    let script = """
      #!/bin/sh
      set --
      for file in $(ldconfig -p | sed -n 's/.*=> \\(.*libcurl[-a-z]*\\.so\\.4\\)$/\\1/p'); do
        set -- "$@" --ro-bind /dev/null "$(readlink -f "$file")"
      done
      exec \(Self.bubblewrap) --dev-bind / / "$@" '\(program)'
      """
    try folder.write("start", script)
    _ = unsafe chmod("\(folder.path)/start", 0o755)
    let room = try Room()
    let link = LanguageModelLink(room.loop, socket: nil, program: "\(folder.path)/start")
    var news: [LanguageModelLink.News] = []
    _ = link.ask(
      LanguageModelRequest(url: try server.url("hello", [Self.hello])), body: [0x7B, 0x7D]
    ) { news.append($0) }
    room.loop.run { !news.isEmpty }
    guard case .failed(let failure)? = news.first else {
      Issue.record("\(news)")
      return
    }
    #expect(failure.kind == .absent && !failure.wasSent)
    #expect(failure.sentence.contains("apt install libcurl3-gnutls"), "\(failure)")
    link.close()
  }

  /// A library of that name that lacks libcurl's functions.
  @Test func anUnsuitableLibcurlIsSaid() throws {
    let server = try ModelServer()
    let room = try Room()
    let folder = "\(room.path)/libraries"
    try Files.makeFolder(folder, mode: 0o755)
    let others = ["/lib/x86_64-linux-gnu/libm.so.6", "/lib/aarch64-linux-gnu/libm.so.6"].filter { Files.isFile($0) }
    for name in ["libcurl-gnutls.so.4", "libcurl.so.4"] {
      #expect(unsafe symlink(others.first ?? "", "\(folder)/\(name)") == 0)
    }
    let late = try Room(setup: "export LD_LIBRARY_PATH='\(folder)'")
    let failure = try #require(late.ask(try server.url("hello", [Self.hello])).failure)
    #expect(failure.kind == .absent && !failure.wasSent)
    #expect(failure.sentence.contains("no suitable libcurl") && failure.sentence.contains("7.87"), "\(failure)")
  }

  // MARK: The wire

  /// The program with a daemon that reads when the test wants it to.
  private final class Wire {
    let socket: PacketSocket<LanguageModelMessage>
    let process: Int32

    init() throws {
      let (ours, theirs) = try UnixSocket.pair(packets: true)
      socket = PacketSocket(Descriptor(owning: ours), peer: "openstarry-model", patience: 60_000)
      let other = Descriptor(owning: theirs)
      var plan = SpawnPlan(Beside.path("openstarry-model"), ["openstarry-model"])
      plan.descriptors = [other.number]
      process = try Spawn.start(plan)
    }

    deinit {
      kill(process, SIGKILL)
      _ = try? Spawn.wait(for: process)
    }

    func ask(_ id: UInt32, _ url: String, body: String? = "{}", longest: UInt32 = .max) throws {
      let request = LanguageModelRequest(url: url, limits: .patient, longest: longest)
      guard let body else { return try socket.send(.ask(id: id, request)) }
      let file = try MemoryFile.sealed("test", Array(body.utf8))
      try socket.send(.ask(id: id, request), [file.number])
    }

    func next() throws -> LanguageModelMessage { try #require(try socket.receive()).message }

    /// A line of /proc/PID/status, in KiB.
    func memory(_ name: String) throws -> Int {
      let status = String(decoding: try Files.read("/proc/\(process)/status"), as: UTF8.self)
      let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("\(name):") })
      return try #require(Int(line.split { $0 == " " || $0 == "\t" }[1]))
    }
  }

  /// What a server sends without an end, and how many bytes of its text are read.
  enum Torrent: String, CaseIterable {
    case smallPieces
    /// Each makes a message of its own.
    case bytesOfTwoCalls
    /// Each is as much as a call may have at a time.
    case largeEvents

    var chunk: String {
      switch self {
      case .smallPieces: ModelServer.chunk(String(repeating: "x", count: 1000))
      case .bytesOfTwoCalls:
        #"{"choices":[{"delta":{"tool_calls":["#
          + (0...1).map { #"{"index":\#($0),"function":{"name":"a","arguments":" "}}"# }.joined(separator: ",")
          + "]}}]}"
      case .largeEvents: ModelServer.chunk(String(repeating: "x", count: 1_000_000))
      }
    }
    var read: Int { self == .bytesOfTwoCalls ? 20_000 : 8 << 20 }
  }

  /// A daemon that does not read stops the server: what has been sent and not been read is bounded.
  @Test(arguments: Torrent.allCases) func aDaemonThatDoesNotReadStopsTheServer(_ torrent: Torrent) throws {
    let server = try ModelServer()
    let wire = try Wire()
    let chunk = "data: \(torrent.chunk)\n\n"
    try wire.ask(1, try server.url("fast", [ModelServer.streamHead, .forever(Array(chunk.utf8), every: 0)]))
    #expect(try wire.next() == .accepted(id: 1))
    func sent() -> Int64 { server.log("fast").last?.fields["bytes"]?.int ?? 0 }
    // Until it has stopped: nothing more in a second.
    var (before, count) = (Int64(-1), 0)
    while sent() != before || before == 0, count < 60 {
      before = sent()
      count += 1
      sleep(1)
    }
    // Here 256 KiB and an event of 1 MiB at most, and what the kernel keeps of a TCP connection and of the socket.
    #expect(sent() < 32 << 20, "\(sent()) bytes")
    #expect(try wire.memory("VmRSS") < 48 << 10)
    // It goes on when the daemon reads, and another call is not held up.
    try wire.ask(2, try server.url("hello", [Self.hello]))
    var text = 0
    var other = ""
    var isOver = false
    while text < torrent.read || !isOver {
      switch try wire.next() {
      case .text(1, let piece), .arguments(1, _, let piece): text += piece.count
      case .text(2, let piece): other += String(decoding: piece, as: UTF8.self)
      case .answered(2, _, _): isOver = true
      case .accepted, .toolCall(1, _, _, _): break
      case let message:
        Issue.record("\(message)")
        return
      }
    }
    #expect(other == "Hello")
    #expect(try wire.memory("VmHWM") < 48 << 10)
    try wire.socket.send(.cancel(id: 1))
    for _ in 0..<6000 where server.log("fast").last?.what != "gone" { usleep(10_000) }
    #expect(server.log("fast").last?.what == "gone")
  }

  @Test func aRequestWithoutABodyIsInvalid() throws {
    let server = try ModelServer()
    let wire = try Wire()
    let url = try server.url("hello", [Self.hello])
    try wire.ask(1, url, body: nil)
    try wire.ask(2, url, body: "")
    // A file that may shrink would end the program.
    let folder = try TemporaryFolder()
    try folder.write("body", "{}")
    let file = try System.open("\(folder.path)/body", O_RDONLY)
    try wire.socket.send(.ask(id: 3, LanguageModelRequest(url: url)), [file.number])
    for id: UInt32 in 1...3 {
      #expect(
        try wire.next()
          == .failed(id: id, LanguageModelFailure(.invalid, wasSent: false, "the body of the request is missing")))
    }
    #expect(server.log("hello").isEmpty)
  }

  @Test func aNumberIsGivenOnce() throws {
    let server = try ModelServer()
    let wire = try Wire()
    let url = try server.url("long", Self.begun)
    try wire.ask(1, url)
    #expect(try wire.next() == .accepted(id: 1))
    #expect(try wire.next() == .text(id: 1, Array("Once".utf8)))
    try wire.ask(1, url)
    guard case .failed(1, let failure) = try wire.next() else {
      Issue.record("it was accepted twice")
      return
    }
    #expect(failure.kind == .invalid)
  }

  /// Whatever the daemon sends, and the wrong way round, too.
  @Test func otherMessagesAreIgnored() throws {
    let server = try ModelServer()
    let wire = try Wire()
    for message in MessageTests.all {
      if case .ask = message { continue }
      try wire.socket.send(message)
    }
    try wire.ask(77, try server.url("hello", [Self.hello]))
    #expect(try wire.next() == .accepted(id: 77))
    #expect(try wire.next() == .text(id: 77, Array("Hello".utf8)))
  }
}
