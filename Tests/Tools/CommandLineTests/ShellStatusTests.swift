import ControlClient
import Glibc
import Linux
import Model
import RPC
import TestKit
import Testing
import Wire

@testable import CommandLine

struct ShellStatusTests {
  @Test func everyProtocolErrorHasAnExitCode() {
    let expected: [RPCError.Code: ShellStatus] = [
      .agentNotFound: .notFound, .notFound: .notFound, .deviceNotFound: .notFound, .permissionDenied: .denied,
      .deviceDenied: .denied, .deviceBusy: .busy, .deviceLimited: .busy, .rateLimited: .busy, .overloaded: .busy,
      .alreadyRunning: .wrongState, .agentNotRunning: .wrongState, .quarantined: .wrongState,
      .deviceUnavailable: .wrongState, .notSimulated: .wrongState, .invalidParams: .usage, .deviceInvalid: .usage,
      .internalError: .failed, .invalidFile: .failed, .deviceFailed: .failed, .methodNotFound: .failed,
    ]
    for (code, status) in expected { #expect(ShellStatus(code) == status, "\(code)") }
    #expect(ShellStatus(nil) == .failed)
    for code in RPCError.Code.allCases { #expect(ShellStatus(code) != .done) }
  }

  @Test func everyConnectionErrorHasAnExitCode() {
    #expect(Failure(ClientError.noSocket("/x")).status == .noDaemon)
    #expect(Failure(ClientError.nobodyListens("/x")).status == .noDaemon)
    #expect(Failure(ClientError.notAllowed("/x", group: "openstarry")).status == .denied)
    #expect(Failure(ClientError.foreignSocket("/x", user: "mallory")).status == .denied)
    #expect(Failure(ClientError.foreignDaemon("/x", user: "mallory")).status == .denied)
    #expect(Failure(ClientError.timedOut(method: "a", .seconds(1))).status == .failed)
  }

  @Test func aRefusalIsASentenceWithItsHint() {
    let error = RPCError(.deviceBusy, "'fan' is held by agent/climate", hint: "try again in 40s")
    #expect(Failure(ClientError.refused(error)) == Failure(.busy, "'fan' is held by agent/climate: try again in 40s"))
    let file = RPCError(.invalidFile, "2 errors", data: ["diagnostics": ["a.yaml:1:2: one\u{1b}", "a.yaml:3:1: two"]])
    #expect(Failure(ClientError.refused(file)).description == "2 errors\na.yaml:1:2: one\\u{1b}\na.yaml:3:1: two")
  }

  @Test func aStopThatIsNotConfirmedIsNotCalledOne() {
    func line(_ safe: Int64, _ notSafe: [String]) -> String {
      EmergencyStop.line(
        ["safe": .int(safe), "not_safe": .list(notSafe.map { ["device": .string($0)] })], clear: false)
    }
    #expect(line(2, []).hasPrefix("STOPPED: 2 actuators have confirmed the safe state, agents are paused"))
    #expect(line(0, ["fan"]).hasPrefix("NOT ALL STOPPED: 0 of 1 actuator has confirmed the safe state"))
    #expect(line(1, ["fan", "lamp"]).hasPrefix("NOT ALL STOPPED: 1 of 3 actuators have confirmed the safe state"))
  }

  @Test func anUnstoredEmergencyStopHasItsOwnStatus() {
    let kept: Value = ["stopped": true, "was_stopped": false, "warning": nil]
    #expect(EmergencyStop.failure(kept) == nil)
    let lost: Value = ["stopped": true, "was_stopped": false, "warning": "it would not survive a restart"]
    #expect(EmergencyStop.failure(lost) == Failure(.notKept, "it would not survive a restart"))
  }

  @Test func hintsAndDetailsAreNotRepeated() {
    let quarantined = RPCError(
      .quarantined, "agent 'bad' is quarantined (why); 'openstarry restart bad' releases it",
      hint: "'openstarry restart bad' releases it")
    #expect(
      Failure(ClientError.refused(quarantined)).message
        == "agent 'bad' is quarantined (why); 'openstarry restart bad' releases it")
    let one = RPCError(.invalidFile, "the old rules stay: a.yaml:1:2: x", data: ["diagnostics": ["a.yaml:1:2: x"]])
    #expect(Failure(ClientError.refused(one)).description == "the old rules stay: a.yaml:1:2: x")
    let two = RPCError(
      .invalidFile, "the old rules stay: a.yaml:1:2: x (and 1 more)",
      data: ["diagnostics": ["a.yaml:1:2: x", "a.yaml:3:1: y"]])
    #expect(Failure(ClientError.refused(two)).details == ["a.yaml:3:1: y"])
  }

  @Test func numbersAreThoseOfTheDocumentation() throws {
    #expect(ShellStatus.allCases.map(\.rawValue) == Array(0...8))
    let file = Repository.path("docs/cli.md")
    let text = String(decoding: try Files.read(file), as: UTF8.self)
    for status in ShellStatus.allCases {
      #expect(text.contains("| \(status.rawValue) | \(status.meaning) |"), "\(status)")
    }
  }

  @Test func aMissingDaemonIsExitCodeThree() {
    #expect(OpenStarry.run(["status", "--socket", "/nonexistent/control.sock"]) == .noDaemon)
    #expect(OpenStarry.run(["status", "--socket", #filePath]) == .noDaemon)
    #expect(OpenStarry.run(["emit", "a:b", "oops", "--socket", "/nonexistent/control.sock"]) == .usage)
  }
}

struct SocketPathTests {
  @Test func aNamedSocketDisablesTheSearch() {
    let environment = ["HOME": "/home/ada", "XDG_RUNTIME_DIR": "/run/user/1000"]
    let all = [
      ".openstarry/control.sock", "/run/openstarry/control.sock", "/run/user/1000/openstarry/control.sock",
      "/home/ada/.openstarry/sockets/control.sock",
    ]
    #expect(SocketPath(given: nil, environment: environment) == .searched(all))
    #expect(SocketPath(given: nil, environment: [:]) == .searched(Array(all[..<2])))
    #expect(SocketPath(given: "/s", environment: ["OPENSTARRY_SOCKET": "/e"]) == .named("/s"))
    #expect(SocketPath(given: nil, environment: ["OPENSTARRY_SOCKET": "/e"]) == .named("/e"))
    #expect(SocketPath(given: nil, environment: ["OPENSTARRY_SOCKET": "", "HOME": ""]) == .searched(Array(all[..<2])))
  }
}

/// Tests the search for daemons among several sockets.
struct DaemonSearchTests {
  private let folder: TemporaryFolder
  private let trust = SocketTrust(users: [geteuid()], accounts: Accounts(passwd: "", group: ""))

  init() throws { folder = try TemporaryFolder() }

  private func search(
    _ names: [String], onlyFirst: Bool = true, timeout: Duration = .seconds(10), trust: SocketTrust? = nil
  ) -> DaemonSearch {
    DaemonSearch(
      .searched(names.map { "\(folder.path)/\($0)" }), onlyFirst: onlyFirst, timeout: timeout,
      trust: trust ?? self.trust)
  }

  @Test func aDeadSocketHidesNoDaemon() throws {
    do { _ = try UnixSocket.listen("\(folder.path)/dead", mode: 0o600) }
    try folder.write("file", "")
    let living = try UnixSocket.listen("\(folder.path)/living", mode: 0o600)
    let found = search(["missing", "dead", "file", "living", "later"])
    #expect(found.living.map(\.socket) == ["\(folder.path)/living"])
    #expect(found.passedOver == [.nobodyListens("\(folder.path)/dead"), .notASocket("\(folder.path)/file")])
    #expect(try found.first().socket == "\(folder.path)/living")
    #expect(throws: Failure(.nobodyListens("\(folder.path)/dead"))) { _ = try search(["missing", "dead"]).first() }
    #expect(throws: Failure(.noSocket(SocketPath.system))) { _ = try search(["missing"]).first() }
    #expect(living.number >= 0)
  }

  @Test func noDaemonReplacesAStuckOne() throws {
    do { _ = try UnixSocket.listen("\(folder.path)/dead", mode: 0o600) }
    let stuck = try UnixSocket.listen("\(folder.path)/stuck", mode: 0o600, backlog: 0)
    let living = try UnixSocket.listen("\(folder.path)/living", mode: 0o600)
    // The listener accepts nothing, and its queue is full.
    let waiting = try UnixSocket.connect("\(folder.path)/stuck")
    let found = search(["dead", "stuck", "living"], timeout: .milliseconds(1))
    #expect(found.living.isEmpty)
    #expect(throws: Failure(.busy("\(folder.path)/stuck"))) { _ = try found.first() }
    // An emergency stop continues the search, and reports the daemon that it could not reach.
    let all = search(["dead", "stuck", "living"], onlyFirst: false, timeout: .milliseconds(1))
    #expect(all.living.map(\.socket) == ["\(folder.path)/living"])
    #expect(all.passedOver.filter(\.mayHideADaemon) == [.busy("\(folder.path)/stuck")])
    #expect([stuck.number, living.number, waiting.number].allSatisfy { $0 >= 0 })
  }

  @Test func aPlantedSocketIsNotUsed() throws {
    let planted = try UnixSocket.listen("\(folder.path)/planted", mode: 0o600)
    let stranger = SocketTrust(users: [geteuid() + 1], accounts: Accounts(passwd: "", group: ""))
    let found = search(["planted", "missing"], trust: stranger)
    #expect(found.living.isEmpty)
    do {
      _ = try found.first()
      Issue.record("it was obeyed")
    } catch {
      #expect(error.status == .denied)
      #expect(error.message.contains("\(folder.path)/planted belongs to 'uid\(geteuid())'"))
      #expect(error.message.hasSuffix("name it with --socket to use it anyway"))
    }
    #expect(planted.number >= 0)
  }

  @Test func oneDaemonBehindTwoNamesIsOne() throws {
    let living = try UnixSocket.listen("\(folder.path)/living", mode: 0o600)
    #expect(unsafe symlink("\(folder.path)/living", "\(folder.path)/again") == 0)
    #expect(search(["living", "again"], onlyFirst: false).living.count == 1)
    #expect(living.number >= 0)
  }
}
