import ControlClient
import Linux
import Model
import Testing
import Wire

@testable import CommandLine

struct ShellStatusTests {
  @Test func everyErrorOfTheProtocolHasItsCode() {
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

  @Test func connectionsThatFailHaveTheirs() {
    #expect(Failure(ClientError.noSocket("/x")).status == .noDaemon)
    #expect(Failure(ClientError.nobodyListens("/x")).status == .noDaemon)
    #expect(Failure(ClientError.notAllowed("/x", group: "openstarry")).status == .denied)
    #expect(Failure(ClientError.timedOut(method: "a", .seconds(1))).status == .failed)
  }

  @Test func aRefusalIsASentenceWithItsHint() {
    let error = RPCError(.deviceBusy, "'fan' is held by agent/climate", hint: "try again in 40s")
    #expect(Failure(ClientError.refused(error)) == Failure(.busy, "'fan' is held by agent/climate: try again in 40s"))
    let file = RPCError(.invalidFile, "2 errors", data: ["diagnostics": ["a.yaml:1:2: one\u{1b}", "a.yaml:3:1: two"]])
    #expect(Failure(ClientError.refused(file)).description == "2 errors\na.yaml:1:2: one\\u{1b}\na.yaml:3:1: two")
  }

  @Test func aStopThatIsNotKeptIsNotJustDone() {
    let kept: Value = ["stopped": true, "was_stopped": false, "warning": nil]
    #expect(EmergencyStop.failure(kept) == nil)
    let lost: Value = ["stopped": true, "was_stopped": false, "warning": "it would not survive a restart"]
    #expect(EmergencyStop.failure(lost) == Failure(.notKept, "it would not survive a restart"))
  }

  @Test func whatTheSentenceSaysIsNotSaidAgain() {
    let quarantined = RPCError(
      .quarantined, "agent 'bad' is quarantined (why); 'openstarry restart bad' lets it out",
      hint: "'openstarry restart bad' lets it out")
    #expect(
      Failure(ClientError.refused(quarantined)).message
        == "agent 'bad' is quarantined (why); 'openstarry restart bad' lets it out")
    let one = RPCError(.invalidFile, "the old rules stay: a.yaml:1:2: x", data: ["diagnostics": ["a.yaml:1:2: x"]])
    #expect(Failure(ClientError.refused(one)).description == "the old rules stay: a.yaml:1:2: x")
    let two = RPCError(
      .invalidFile, "the old rules stay: a.yaml:1:2: x (and 1 more)",
      data: ["diagnostics": ["a.yaml:1:2: x", "a.yaml:3:1: y"]])
    #expect(Failure(ClientError.refused(two)).details == ["a.yaml:3:1: y"])
  }

  @Test func numbersAreThoseOfTheDocumentation() throws {
    #expect(ShellStatus.allCases.map(\.rawValue) == Array(0...8))
    let file = #filePath.split(separator: "/").dropLast(3).map { "/\($0)" }.joined() + "/docs/cli.md"
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
  private func find(_ given: String?, _ environment: [String: String], _ there: [String]) -> String {
    SocketPath.find(given: given, environment: environment) { there.contains($0) }
  }

  @Test func theNearestSocketCounts() {
    let environment = ["HOME": "/home/ada", "XDG_RUNTIME_DIR": "/run/user/1000"]
    let all = [
      ".openstarry/control.sock", "/run/openstarry/control.sock", "/run/user/1000/openstarry/control.sock",
      "/home/ada/.openstarry/sockets/control.sock",
    ]
    for index in all.indices { #expect(find(nil, environment, Array(all[index...])) == all[index]) }
    #expect(find(nil, environment, []) == "/run/openstarry/control.sock")
    #expect(find("/s", ["OPENSTARRY_SOCKET": "/e"], all) == "/s")
    #expect(find(nil, ["OPENSTARRY_SOCKET": "/e"], all) == "/e")
    #expect(find(nil, ["OPENSTARRY_SOCKET": "", "HOME": ""], all) == all[0])
  }
}
