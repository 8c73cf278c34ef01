import CLinux
import Glibc
import GuardianTestKit
import Linux
import Testing
import Wire

@testable import GuardianClient

/// A guardian that does not answer the next daemon.
@Suite(.serialized) struct DeafGuardianTests {
  private let fixture: PWMFixture
  private var path: String { GuardianLink.path(beside: fixture.socket) }

  init() throws { fixture = try PWMFixture(channels: 2) }

  @Test func itIsKilledAndItsOutputsGoToTheNextDaemon() throws {
    let first = try fixture.ward(["on_exit: hold", ""], ["o0=0.7", "o1=0.5"])
    #expect(isUp(first.guardian))
    kill(first.guardian, SIGSTOP)
    defer { kill(first.guardian, SIGKILL) }
    first.kill()
    let second = try fixture.ward(["on_exit: hold", ""], [])
    // No wait: its lines are free before the outputs are opened.
    #expect(!isAlive(first.guardian))
    #expect(second.holds.isEmpty)
    #expect(try fixture.text(0) == "0" && fixture.text(1) == "0")
    let deaf = second.events.filter { $0.hasPrefix("system:guardian_deaf") }
    #expect(
      deaf.count == 1 && deaf[0].contains("(process \(first.guardian)) does not answer, and was killed"), "\(deaf)")
    #expect(second.guardian != first.guardian && isAlive(second.guardian))
    #expect(try second.end() == 0)
  }

  /// The daemon, which created the socket, lives: only the guardian is killed.
  @Test func theCreatorOfTheSocketIsNotKilled() throws {
    let ward = try fixture.ward([""], ["o0=1"])
    #expect(isUp(ward.guardian))
    let connection = try UnixSocket.connect(path, packets: true)
    #expect(try Peer(of: connection.number).pid == ward.guardian)
    kill(ward.guardian, SIGSTOP)
    defer { kill(ward.guardian, SIGKILL) }
    guard case .nobody = GuardianLink.heir(beside: fixture.socket) else {
      Issue.record("a guardian answers")
      return
    }
    #expect(isAlive(ward.pid) && !isAlive(ward.guardian))
    try ward.wait { $0.hasPrefix("event system:guardian_back") }
    #expect(try fixture.text(0) == "1000000")
    #expect(try ward.end() == 0)
  }

  @Test func onlyTheRunningGuardianIsIdentified() throws {
    let ward = try fixture.ward([""], [])
    #expect(isUp(ward.guardian))
    let connection = try UnixSocket.connect(path, packets: true)
    kill(ward.guardian, SIGSTOP)
    let other = try UnixSocket.connect(path, packets: true)
    #expect(PeerProcess(at: other.number, program: GuardianProgram.name)?.pid == ward.guardian)
    // As with an early release that did not call listen(2) itself: the pid is that of another program.
    #expect(PeerProcess(at: other.number, program: "openstarryd") == nil)
    kill(ward.guardian, SIGKILL)
    #expect(eventually { !isAlive(ward.guardian) })
    #expect(PeerProcess(at: other.number, program: GuardianProgram.name) == nil)
    #expect(PeerProcess(at: connection.number, program: GuardianProgram.name) == nil)
    try ward.wait { $0.hasPrefix("event system:guardian_back") }
    #expect(try ward.end() == 0)
  }
}
