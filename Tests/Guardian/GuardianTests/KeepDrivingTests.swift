import Glibc
import GuardianClient
import GuardianTestKit
import Linux
import Testing

/// Outputs that the guardian keeps driving after an orderly exit.
@Suite(.serialized) struct KeepDrivingTests {
  private let fixture: PWMFixture

  init() throws { fixture = try PWMFixture(channels: 3) }

  @Test func keptOutputsStaySafeUntilTheNextDaemon() throws {
    let first = try fixture.ward(["on_exit: keep-driving, safe: 0.1", ""], ["o0=1", "o1=1"])
    #expect(try first.end() == 0)
    #expect(try fixture.text(0) == "100000" && fixture.text(1) == "0")
    guard case .guardian(let refusing) = GuardianLink.heir(beside: fixture.socket) else {
      Issue.record("no guardian answers")
      return
    }
    #expect(refusing.isEmpty && isAlive(first.guardian))
    let second = try fixture.ward(["on_exit: keep-driving, safe: 0.1", ""], ["o0=1"])
    let report = try #require(second.events.first { $0.hasPrefix("system:guardian_report") })
    // The other output was released at the exit.
    #expect(report.contains("stopped and left its guardian 1 outputs: o0 is safe"), "\(report)")
    #expect(eventually { !isAlive(first.guardian) })
    #expect(try fixture.text(0) == "1000000")
    #expect(try second.end() == 0)
    #expect(isAlive(second.guardian))
    second.relieve()
    #expect(eventually { !isAlive(second.guardian) })
  }

  @Test func itStaysAfterRefusingOutputsAreSafe() throws {
    let ward = try fixture.ward(["on_exit: keep-driving", ""], ["o0=1", "o1=1", "log"])
    try ward.refuseWrites(true)
    #expect(try ward.end() == 0)
    try ward.refuseWrites(false)
    #expect(try eventually { try fixture.text(0) == "0" && fixture.text(1) == "0" })
    #expect(isAlive(ward.guardian))
    kill(ward.guardian, SIGTERM)
    #expect(eventually { !isAlive(ward.guardian) }, "SIGTERM releases the line")
  }

  /// `sockaddr_un` has room for 107 bytes, and the guardian's paths are up to 13 bytes longer than the daemon's.
  @Test(arguments: [90, 100, 107]) func aLongPathKeepsNobodyFromAGuardian(length: Int) throws {
    let folder = "\(fixture.root)/\(String(repeating: "f", count: length - fixture.root.utf8.count - 6))"
    try Files.makeFolder(folder)
    let socket = "\(folder)/sock"
    #expect(socket.utf8.count == length)
    let ward = try WardProcess(
      try program("guardian-ward"), board: try fixture.board([""]), root: fixture.root, socket: socket,
      guardian: try program("openstarry-guardian"), ["o0=1"])
    #expect(isAlive(ward.guardian))
    ward.kill()
    #expect(try eventually { try fixture.text(0) == "0" })
    guard case .guardian = GuardianLink.heir(beside: socket) else {
      Issue.record("the guardian is not found")
      return
    }
    ward.relieve()
  }
}
