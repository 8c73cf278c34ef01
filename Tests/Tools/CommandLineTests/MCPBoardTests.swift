import Doctor
import Linux
import Model
import RPC
import TestKit
import Testing
import Wire

@testable import CommandLine

/// Sessions of `openstarry mcp` with a daemon that fails in the middle.
@Suite struct MCPBoardTests {
  @Test func whatTheRateDelaysIsAskedAgain() throws {
    let daemon = try TestedDaemon()
    var refused: Set<String> = []
    daemon.reply = { request, _ in
      guard request.method != "session.restrict", refused.insert(request.method).inserted else { return nil }
      return .refusal(RPCError(.rateLimited, "too many", data: ["retry_after_ms": 1]))
    }
    try daemon.board.open()
    #expect(
      daemon.methods == ["session.restrict", "daemon.methods", "daemon.methods", "hal.devices", "hal.devices"])
  }

  @Test func aDaemonThatOnlyRefusesIsNotAskedForEver() throws {
    let daemon = try TestedDaemon()
    daemon.reply = { request, _ in
      request.method == "daemon.methods"
        ? .refusal(RPCError(.rateLimited, "too many", data: ["retry_after_ms": 1])) : nil
    }
    #expect(throws: Failure.self) { try daemon.board.open() }
  }

  @Test(arguments: [nil, "the connection was idle for 2m"])
  func aReadOfALostSessionIsRepeated(farewell: String?) throws {
    let daemon = try TestedDaemon()
    daemon.reply = { request, session in
      guard request.method == "hal.read" else { return nil }
      return session == 1 ? .end(farewell.map { RPCError(.rateLimited, $0) }) : .result(["value": 21])
    }
    try daemon.board.open()
    var values: [Double?] = []
    // The second is under way, too, when the session ends.
    for _ in 0..<2 {
      daemon.board.call("hal.read", [:], nil) { values.append((try? $0.get())?.result["value"]?.double) }
    }
    try daemon.turn { values.count == 2 }
    #expect(values == [21, 21] && daemon.sessions == 2)
  }

  @Test func aCommandOfALostSessionIsNotRepeated() throws {
    let daemon = try TestedDaemon()
    daemon.reply = { request, _ in request.method == "hal.control" ? .end(nil) : nil }
    try daemon.board.open()
    var outcome: Result<Answer, RPCError>?
    daemon.board.call("hal.control", [:], nil) { outcome = $0 }
    try daemon.turn { outcome != nil }
    #expect(throws: RPCError.self) { try outcome?.get() }
    #expect(daemon.methods.count { $0 == "hal.control" } == 1)
  }

  @Test func aSessionSubscribesToWhatIsFollowed() throws {
    let daemon = try TestedDaemon()
    var followed: Set<String> = []
    var byNumber: [Int64: String] = [:]
    daemon.reply = { request, session in
      switch request.method {
      case "events.subscribe":
        let pattern = request.params["pattern"]?.string ?? ""
        let number = Int64(byNumber.count + 1)
        byNumber[number] = pattern
        followed.insert("\(session) \(pattern)")
        return .result(["subscription": .int(number)])
      case "events.unsubscribe":
        let number = request.params["subscription"]?.int ?? 0
        followed.remove("\(session) \(byNumber[number] ?? "")")
        return .result(["subscription": .int(number)])
      case "hal.control": return .end(nil)
      default: return nil
      }
    }
    try daemon.board.open()
    var missed = 0
    daemon.board.narrow(to: [EventPattern("device:*"), EventPattern("sensor:a")])
    daemon.board.follow { if case .missed = $0 { missed += 1 } }
    try daemon.turn { missed == 1 }
    #expect(followed == ["1 device:*", "1 sensor:a"])
    daemon.board.narrow(to: [EventPattern("device:*"), EventPattern("sensor:b")])
    try daemon.turn { missed == 2 }
    #expect(followed == ["1 device:*", "1 sensor:b"])
    // The next session has them, too.
    followed = []
    daemon.board.call("hal.control", [:], nil) { _ in }
    try daemon.turn { missed == 3 }
    #expect(followed == ["2 device:*", "2 sensor:b"])
    daemon.board.unfollow()
    try daemon.turn { followed.isEmpty }
  }

  @Test(arguments: [true, nil]) func theDaemonSaysWhetherEverythingIsInReach(answer: Bool?) throws {
    let daemon = try TestedDaemon()
    daemon.reply = { request, _ in
      guard request.method == "session.restrict" else { return nil }
      var result: Fields = ["role": "view", "approver": false]
      result["reaches_all"] = answer.map { .bool($0) }
      return .result(.map(result))
    }
    try daemon.board.open()
    var reachesAll: Bool?
    daemon.board.catalogue { reachesAll = (try? $0.get())?.reachesAll }
    try daemon.turn { reachesAll != nil }
    #expect(reachesAll == (answer == true))
  }

  @Test func theDoctorSaysWhatTheCommandSays() throws {
    let daemon = try TestedDaemon()
    daemon.reply = { request, _ in
      switch request.method {
      case "models.list": .result(["models": [["model": "local"]], "not_stored": "the disk is full"])
      case "daemon.history": .refusal(RPCError(.storage, "the home is unreadable"))
      default: nil
      }
    }
    try daemon.board.open()
    var findings: [Value]?
    daemon.board.examine { findings = (try? $0.get())?["findings"]?.list ?? [] }
    try daemon.turn { findings != nil }
    #expect(findings?.contains { $0["text"]?.string?.contains("the disk is full") == true } == true)
  }

  @Test func theAnswersOfAnExaminationAreByMethod() {
    let results: [String: Value] =
      [
        "daemon.status": ["board": "b"], "hal.devices": ["devices": [["device": "fan"]]],
        "agent.list": ["agents": [["agent": "a"]]], "models.list": ["models": [["model": "m"]], "not_stored": "full"],
        "registry.list": ["unusable": ["x": "why"]], "daemon.history": ["entries": [["agent": "a"]]],
      ]
    let answers = DaemonAnswers(results, probes: .success([:]))
    #expect(answers.status == ["board": "b"] && answers.devices == [["device": "fan"]])
    #expect(answers.agents == [["agent": "a"]] && answers.models == [["model": "m"]])
    #expect(answers.modelsNotStored == "full" && answers.unusable == ["x": "why"])
    #expect(answers.history == [["agent": "a"]])
    #expect(DaemonAnswers([:], probes: .success([:])).models.isEmpty)
  }
}

/// A daemon at a socket, and the board behind it, on one loop.
private final class TestedDaemon {
  enum Reply {
    case result(Value)
    case refusal(RPCError)
    /// The session ends, perhaps after a reason.
    case end(RPCError?)
  }

  let board: DaemonBoard
  /// Answers a request of a session, which count from 1; nil for an answer of no interest.
  var reply: (Request, Int) -> Reply? = { _, _ in nil }
  /// What was called.
  private(set) var methods: [String] = []
  private(set) var sessions = 0
  private let folder: TemporaryFolder
  private let listener: Descriptor
  private var channels: [LineChannel] = []

  init() throws {
    folder = try TemporaryFolder()
    let path = "\(folder.path)/s"
    listener = try UnixSocket.listen(path, mode: 0o600)
    board = try DaemonBoard(path, isNamed: true, ["role": "operate"], on: .init())
    try board.loop.watch(listener.number, for: .readable) { [unowned self] _ in accept() }
  }

  /// Turns the loop until something is so.
  func turn(until isDone: () -> Bool) throws {
    var isLate = false
    let timer = board.loop.schedule(after: .seconds(60)) { isLate = true }
    while !isLate {
      // What was put off is done before the loop waits.
      board.loop.turn(wait: false)
      if isDone() { break }
      board.loop.turn(wait: true)
    }
    board.loop.cancel(timer)
    try #require(!isLate)
  }

  private func accept() {
    do throws(SystemError) {
      guard let socket = try UnixSocket.accept(listener.number) else { return }
      let channel = LineChannel(socket, on: board.loop)
      sessions += 1
      channel.onLine = { [unowned self, unowned channel, sessions] in take($0, of: sessions, on: channel) }
      try channel.start()
      channels.append(channel)
    } catch { Issue.record("\(error)") }
  }

  private func take(_ line: ArraySlice<UInt8>, of session: Int, on channel: LineChannel) {
    guard let message = try? Message(line), case .request(let request) = message else { return }
    methods.append(request.method)
    switch reply(request, session) ?? .result(["approver": false]) {
    case .result(let result): channel.send(Response(id: request.id, .success(result)).encoded())
    case .refusal(let error): channel.send(Response(id: request.id, .failure(error)).encoded())
    case .end(let farewell):
      if let farewell { channel.send(Response(id: nil, .failure(farewell)).encoded()) }
      // After that is sent.
      board.loop.later { channel.close() }
    }
  }
}
