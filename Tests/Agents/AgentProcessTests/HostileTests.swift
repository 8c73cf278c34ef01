import Agent
import AgentProcess
import Glibc
import Linux
import Model
import OpenStarryAgent
import ProcessTestKit
import Testing

/// Programs that break every rule: each is contained, and its end has a reason.
@Suite(.enabled(if: SandboxRoom.absence == nil, "\(SandboxRoom.absence ?? "")")) final class HostileTests {
  private let room: SandboxRoom
  private let host = RecordingHost()
  private var started: Result<any AgentInstance, AgentFailure>?
  private var ends: [AgentEnd] = []
  private var activations: [Result<Void, AgentFailure>] = []

  init() throws {
    var limits = ProcessLimits()
    limits.start = .seconds(20)
    limits.sampling = .milliseconds(100)
    room = try SandboxRoom(limits: limits)
  }

  private static let ready = #"printf '{"method":"ready","params":{"abi":1}}\n' >&3"#

  private func start(_ script: String, _ change: (inout Manifest) -> Void = { _ in }) throws {
    var manifest = try room.program("agent.sh", "#!/bin/sh\n\(script)\n")
    change(&manifest)
    room.driver.start(manifest, host: host, ended: { [unowned self] in ends.append($0) }) { [unowned self] in
      started = $0
    }
    room.run { started != nil }
  }

  private var instance: (any AgentInstance)? { if case .success(let instance) = started { instance } else { nil } }
  private var startFailure: AgentFailure? { if case .failure(let failure) = started { failure } else { nil } }

  private func activate() {
    instance?.activate(Event(id: ULID(high: 1, low: 1), type: "test:event", trace: ULID(high: 1, low: 1))) {
      [unowned self] in activations.append($0)
    }
  }

  private func end(_ script: String, _ change: (inout Manifest) -> Void = { _ in }) throws -> AgentFailure? {
    try start(script, change)
    #expect(instance != nil, "\(startFailure as Any)")
    activate()
    room.run { !ends.isEmpty }
    room.settle()
    #expect(ends.count == 1 && activations.isEmpty)
    return ends.first?.failure
  }

  /// A page that processes share since fork(2) is in memory once. Names of processes change nothing.
  @Test(.enabled(if: Files.isFile("/usr/bin/python3"), "python3 is not installed"))
  func whatProcessesShareCountsOnce() throws {
    var manifest = try room.program(
      "shares.py",
      #"""
      #!/usr/bin/python3 -S
      import ctypes, json, os, socket, time
      ctypes.CDLL(None).prctl(15, b"RssAnon: 0")
      link = socket.socket(fileno=3)
      link.sendall(b'{"method":"ready","params":{"abi":1}}\n')
      link.recv(65536)
      held = bytearray(b"x") * (20 << 20)
      for _ in range(3):
          if os.fork() == 0: time.sleep(60)
      time.sleep(1.5)
      print("lived", flush=True)
      """#)
    manifest.budget.memory = 48 << 20
    room.driver.start(manifest, host: host, ended: { [unowned self] in ends.append($0) }) { [unowned self] in
      started = $0
    }
    room.run { started != nil }
    activate()
    room.run { !ends.isEmpty }
    #expect(host.lines.contains("lived") && host.memory > 20 << 20 && host.memory < 48 << 20, "\(host.memory)")
  }

  /// splice(2) from an empty socket into a pipe keeps the pipe locked, and its reader waits, until something comes.
  @Test(.enabled(if: Files.isFile("/usr/bin/python3"), "python3 is not installed"))
  func oneThatWaitsInItsLogHoldsNobodyUp() throws {
    let manifest = try room.program(
      "splices.py",
      #"""
      #!/usr/bin/python3 -S
      import os, time
      os.write(3, b'{"method":"ready","params":{"abi":1}}\n')
      os.write(1, b"before\n")
      while True:
          try: os.splice(3, 1, 4096)
          except OSError: time.sleep(1)
      """#)
    room.driver.start(manifest, host: host, ended: { [unowned self] in ends.append($0) }) { [unowned self] in
      started = $0
    }
    room.run { started != nil && host.lines == ["before"] }
    // Once it is in there.
    room.settle()
    #expect(startFailure == nil && host.lines == ["before"] && ends.isEmpty, "\(host.lines)")
    stop(now: true)
  }

  @Test func argumentsThatNoProgramCanHaveAreRefused() throws {
    try start("exit 0") { $0.runtime.arguments = ["a\u{0}b"] }
    #expect(startFailure?.reason == .startFailed)
    #expect(startFailure?.message.contains("cannot be started: pass the program's arguments: Invalid argument") == true)
  }

  @Test func oneThatEndsBeforeItIsReady() throws {
    try start("echo no such battery >&2; exit 3")
    #expect(startFailure?.reason == .startFailed)
    #expect(startFailure?.message == "it exited with code 3 before it was ready; its last line: no such battery")
  }

  @Test func oneThatIsNeverReady() throws {
    var limits = ProcessLimits()
    limits.start = .milliseconds(500)
    let room = try SandboxRoom(limits: limits)
    var failure: AgentFailure?
    let manifest = try room.program("agent.sh", "#!/bin/sh\nexec sleep 1000\n")
    room.driver.start(manifest, host: host, ended: { _ in }) { if case .failure(let why) = $0 { failure = why } }
    room.run { failure != nil }
    #expect(failure?.message == "it did not say that it is ready within 500ms")
  }

  /// Whoever stops an agent does not wait until it is ready, or until its time for that has elapsed.
  @Test func aStartThatIsGivenUp() throws {
    let manifest = try room.program("agent.sh", "#!/bin/sh\nexec sleep 1000\n")
    room.driver.start(manifest, host: host, ended: { [unowned self] in ends.append($0) }) { [unowned self] in
      started = $0
    }
    room.driver.cancelStart(of: manifest.id)
    room.run { started != nil }
    #expect(startFailure?.reason == .killed && ends.isEmpty, "\(startFailure as Any)")
    room.driver.cancelStart(of: manifest.id)
    #expect(ends.isEmpty, "there is no start any more")
  }

  @Test func aVersionOfTheFuture() throws {
    try start(#"printf '{"method":"ready","params":{"abi":2}}\n' >&3; exec sleep 1000"#)
    #expect(startFailure?.message.contains("version 2") == true)
  }

  @Test func oneThatExitsInTheMiddleOfAnEvent() throws {
    let failure = try end("\(Self.ready); read -r line <&3; echo out of paper; exit 7")
    #expect(failure?.reason == .crash)
    #expect(failure?.message == "it exited with code 7; its last line: out of paper")
  }

  @Test func oneThatIsKilled() throws {
    let failure = try end("\(Self.ready); read -r line <&3; kill -9 $$")
    #expect(failure?.reason == .crash && failure?.message.hasPrefix("signal 9 ended it") == true, "\(failure as Any)")
  }

  @Test func oneThatClosesItsSocketAndLivesOn() throws {
    let failure = try end("\(Self.ready); read -r line <&3; exec 3>&-; exec sleep 1000")
    #expect(failure == AgentFailure(.protocolViolation, "it closed descriptor 3 and went on running"))
  }

  @Test func garbage() throws {
    let failure = try end("\(Self.ready); read -r line <&3; while :; do echo garbage >&3; done")
    #expect(failure?.reason == .protocolViolation)
    #expect(failure?.message.hasPrefix("it sent 17 lines that are no messages") == true, "\(failure as Any)")
  }

  @Test func anEndlessLine() throws {
    let failure = try end("\(Self.ready); read -r line <&3; tr '\\0' x </dev/zero >&3; exec sleep 1000")
    #expect(failure == AgentFailure(.protocolViolation, "it sent a line of more than 1048576 bytes"))
  }

  @Test func oneThatNeverAnswers() throws {
    let failure = try end("\(Self.ready); exec sleep 1000") { $0.budget.activation = .milliseconds(300) }
    #expect(failure?.reason == .activation)
  }

  @Test func anAnswerThatNobodyAskedForIsIgnored() throws {
    try start(
      "\(Self.ready); printf '{\"id\":77,\"result\":{}}\\n' >&3; printf '{\"id\":1,\"result\":{}}\\n' >&3; exec sleep 1000"
    )
    activate()
    room.settle()
    #expect(ends.isEmpty)
    stop(now: true)
  }

  private func stop(now: Bool) {
    var isStopped = false
    instance?.stop(now: now) { isStopped = true }
    room.run { isStopped }
    #expect(isStopped && ends.isEmpty)
  }

  @Test func oneThatIgnoresStopAndSIGTERM() throws {
    try start("trap '' TERM; \(Self.ready); while :; do sleep 1; done") { $0.policy.grace = .milliseconds(300) }
    var isStopped = false
    instance?.stop(now: false) { isStopped = true }
    room.loop.schedule(after: .milliseconds(600)) { [unowned self] in
      #expect(!isStopped)
      instance?.stop(now: true) {}
    }
    room.run { isStopped }
    #expect(isStopped)
  }

  @Test func sigtermDrains() throws {
    try start("trap 'echo drained; exit 0' TERM; \(Self.ready); while :; do sleep 0.1; done") {
      $0.policy.grace = .milliseconds(300)
    }
    stop(now: false)
    #expect(host.lines == ["drained"])
  }

  @Test func itsChildrenDieWithIt() throws {
    try start("(exec sleep 7531) & (setsid sleep 7532) & \(Self.ready); exec sleep 7533")
    room.run { Self.processes(with: "sleep\u{0}753").count == 3 }
    #expect(Self.processes(with: "sleep\u{0}753").count == 3)
    stop(now: true)
    room.run { Self.processes(with: "sleep\u{0}753").isEmpty }
    #expect(Self.processes(with: "sleep\u{0}753").isEmpty)
  }

  @Test func allDieWithTheLauncher() throws {
    try start("\(Self.ready); exec sleep 8642")
    room.run { Self.processes(with: "sleep\u{0}8642").count == 1 }
    #expect(Self.processes(with: "sleep\u{0}8642").count == 1)
    room.driver.close()
    room.run { Self.processes(with: "sleep\u{0}8642").isEmpty }
    #expect(Self.processes(with: "sleep\u{0}8642").isEmpty)
  }

  @Test func aLauncherThatIsStoppedIsEnded() throws {
    let room = try SandboxRoom(patience: .milliseconds(500))
    let manifest = try room.program("agent.sh", "#!/bin/sh\n\(Self.ready); exec sleep 9753\n")
    var instance: (any AgentInstance)?
    var failures: [AgentFailure] = []
    room.driver.start(manifest, host: host, ended: { failures.append($0.failure) }) { instance = try? $0.get() }
    room.run { instance != nil }
    let launcher = try #require(room.launcher.process)
    kill(launcher, SIGSTOP)
    // The measurement of use, or a kill, has no answer.
    instance?.activate(Event(id: ULID(high: 1, low: 1), type: "test:event", trace: ULID(high: 1, low: 1))) { _ in }
    room.run { !failures.isEmpty }
    #expect(failures.map(\.message) == ["the launcher is gone: it did not answer within 500ms"])
    room.run { Self.processes(with: "sleep\u{0}9753").isEmpty }
    #expect(Self.processes(with: "sleep\u{0}9753").isEmpty)
  }

  @Test func tooManyArgumentsAreAnError() throws {
    try start("exit 0") { $0.runtime.arguments = [String](repeating: "x", count: 70_000) }
    #expect(startFailure?.message.contains("Argument list too long") == true, "\(startFailure as Any)")
  }

  @Test func theLimitOfProcessesIsForEachAgent() throws {
    let manifest = try room.program("agent.sh", "#!/bin/sh\n\(Self.ready); exec sleep 1000\n")
    var instances: [any AgentInstance] = []
    var failures: [AgentFailure] = []
    for number in 0..<30 {
      var one = manifest
      one.id = AgentID("agent-\(number)")
      room.driver.start(one, host: host, ended: { failures.append($0.failure) }) { result in
        switch result {
        case .success(let instance): instances.append(instance)
        case .failure(let failure): failures.append(failure)
        }
      }
    }
    room.run { instances.count + failures.count == 30 }
    #expect(instances.count == 30 && failures.isEmpty, "\(failures)")
    var stopped = 0
    for instance in instances { instance.stop(now: true) { stopped += 1 } }
    room.run { stopped == 30 }
  }

  private static func processes(with text: String) -> [String] {
    let wanted = Array(text.utf8)
    return ((try? Files.names(in: "/proc")) ?? []).filter { name in
      guard name.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return false }
      let words = (try? Files.read("/proc/\(name)/cmdline")) ?? []
      return words.starts(with: wanted)
    }
  }

  @Test func aForkBombIsHeld() throws {
    try start("\(Self.ready); bomb() { bomb | bomb & }; read -r line <&3; bomb; exec sleep 1000")
    activate()
    for _ in 0..<20 { room.settle() }
    let processes = try Files.names(in: "/proc").count
    #expect(processes < 2000)
    stop(now: true)
  }

  @Test func aMemoryHogIsHeld() throws {
    try start(
      """
      \(Self.ready); read -r line <&3
      exec /usr/bin/python3 -S -c 'x = [bytearray(1 << 20) for _ in range(4096)]'
      """
    ) { $0.budget.memory = 64 << 20 }
    activate()
    room.run { !ends.isEmpty }
    #expect(ends.first.map { [.memory, .crash].contains($0.failure.reason) } == true, "\(ends)")
    #expect(host.memory < 96 << 20)
  }

  @Test func aFlooderOfTheLogIsSlowedDown() throws {
    try start("\(Self.ready); while :; do echo a long line of nothing in particular; done")
    let before = room.loop.now
    while room.loop.now - before < .seconds(1) { room.settle() }
    // 64 KiB for each 100 ms, and a pipe of 16 KiB.
    #expect(host.lines.count * 40 < 2 << 20)
    #expect(!host.lines.isEmpty)
    stop(now: true)
  }

  @Test func whatItUsesIsMeasured() throws {
    try start("\(Self.ready); read -r line <&3; while :; do :; done")
    activate()
    room.run { host.cpu > 300_000_000 }
    #expect(host.cpu > 300_000_000 && host.memory > 0)
    stop(now: true)
  }

  @Test func manyRequestsDoNotStarveOthers() throws {
    try start(
      """
      \(Self.ready)
      while :; do printf '{"id":1,"method":"getSensorData","params":{"id":"t"}}\\n'; done >&3
      """)
    var turns = 0
    let timer = room.loop.schedule(after: .milliseconds(200)) { turns += 1 }
    room.run { turns == 1 }
    room.loop.cancel(timer)
    #expect(turns == 1 && host.reads > 0)
    stop(now: true)
  }
}
