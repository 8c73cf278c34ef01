import CLinux
import Glibc
import Guardian
import GuardianClient
import GuardianTestKit
import Linux
import TestKit
import Testing
import Wire

/// The real guardian of a process that is killed; the outputs are files.
@Suite(.serialized) struct ProcessTests {
  private let fixture: PWMFixture

  init() throws { fixture = try PWMFixture(channels: 4) }

  private func ward(_ settings: [String], _ more: String...) throws -> WardProcess {
    try fixture.ward(settings, more)
  }

  private func duties(_ count: Int) throws -> [String] { try (0..<count).map { try fixture.text($0) } }

  @Test func aKilledDaemonsOutputsBecomeSafe() throws {
    let ward = try ward(["", "safe: 0.1", "on_exit: hold", "on_exit: input"], "o0=1", "o1=0.5", "o2=0.25", "o3=0.75")
    #expect(try duties(4) == ["1000000", "500000", "250000", "750000"])
    #expect(isAlive(ward.guardian))
    let time = try ward.kill { try duties(2) == ["0", "100000"] && fixture.text(3, "enable") == "0" }
    #expect(time != nil)
    #expect(try eventually { try fixture.unexported() == "3" })
    // A held output keeps its level until `relieve`.
    #expect(try fixture.text(2) == "250000")
    #expect(isAlive(ward.guardian))
    ward.relieve()
    #expect(try fixture.text(2) == "0")
    #expect(eventually { !isAlive(ward.guardian) })
  }

  @Test func anOutputWithoutALeaseIsNotHeld() throws {
    let ward = try ward(["on_exit: hold", "on_exit: hold"], "o0=1")
    // Another program has moved the output that is in its safe state.
    try fixture.meddle(1, "500000")
    #expect(try ward.kill { try fixture.text(1) == "0" } != nil)
    #expect(try fixture.text(0) == "1000000")
    ward.relieve()
  }

  @Test func aHeldOutputBecomesSafeWhenItsLeaseEnds() throws {
    let ward = try ward(["on_exit: hold", "on_exit: hold, max_on: 400ms", "on_exit: hold"], "o0=1:0.3", "o1=1", "o2=1")
    ward.kill()
    #expect(try eventually { try duties(2) == ["0", "0"] })
    #expect(try fixture.text(2) == "1000000")
    ward.relieve()
  }

  @Test func theNextDaemonResumesHeldOutputs() throws {
    let board = ["on_exit: hold", "", "on_exit: hold", "on_exit: hold"]
    let first = try ward(board, "o0=0.7", "o1=1", "o2=0.5")
    first.kill()
    let second = try ward(board)
    #expect(second.holds == ["o0 0.7 agent/ward", "o2 0.5 agent/ward"])
    #expect(try duties(4) == ["700000", "0", "500000", "0"])
    let report = try #require(second.events.first { $0.hasPrefix("system:guardian_report") })
    for part in [
      "process \(first.pid)", "4 outputs", "o0 was held by agent/ward and is kept as it was for this daemon",
      "o1 was held by agent/ward and is safe",
    ] {
      #expect(report.contains(part), "'\(part)' in \(report)")
    }
    #expect(second.events.contains { $0.hasPrefix("device:changed") && $0.contains("taken over") })
    #expect(eventually { !isAlive(first.guardian) })
    // The second daemon's guardian knows the lease too.
    second.kill()
    let third = try ward(board)
    #expect(third.holds == ["o0 0.7 agent/ward", "o2 0.5 agent/ward"])
    #expect(try third.end() == 0)
  }

  @Test func outputsNotOnTheNewBoardAreMadeSafe() throws {
    let first = try ward(["on_exit: hold", "on_exit: hold", "on_exit: hold"], "o0=1", "o1=1", "o2=1")
    first.kill()
    // The second output has been removed, and the third is different hardware now.
    let second = try ward(["on_exit: hold", "-", "on_exit: hold, inverted: true"])
    #expect(second.holds == ["o0 1.0 agent/ward"])
    #expect(try fixture.text(1) == "0")
    #expect(try fixture.text(2) == "0" && fixture.text(2, "polarity") == "inversed")
    #expect(try second.end() == 0)
  }

  @Test func limitsOfTheNewBoardApply() throws {
    let first = try ward(["on_exit: hold", "on_exit: hold", "on_exit: hold"], "o0=1", "o1=1", "o2=1")
    first.kill()
    let second = try ward(["on_exit: hold", "on_exit: safe", "on_exit: hold, exclusive_with: [o0]"])
    #expect(second.holds == ["o0 1.0 agent/ward"])
    #expect(try duties(3) == ["1000000", "0", "0"])
    #expect(try second.end() == 0)
  }

  @Test func anOrderlyEndEndsTheGuardianToo() throws {
    let ward = try ward(["", "on_exit: hold"], "o0=1", "o1=1")
    #expect(try ward.end() == 0)
    #expect(!isAlive(ward.guardian))
    #expect(!Files.exists(GuardianLink.path(beside: fixture.socket)))
    #expect(try duties(2) == ["0", "1000000"])
  }

  @Test func aKilledGuardianIsReplaced() throws {
    let ward = try ward([""], "o0=1")
    kill(ward.guardian, SIGKILL)
    try ward.wait { $0.hasPrefix("event system:guardian_back") }
    #expect(ward.events.contains { $0.hasPrefix("system:guardian_lost") && $0.contains("signal 9") })
    #expect(try ward.kill { try fixture.text(0) == "0" } != nil)
    ward.relieve()
  }

  @Test func signalsForTheDaemonDoNotEndTheGuardian() throws {
    let ward = try ward([""], "o0=1")
    #expect(isUp(ward.guardian))
    for number in [SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE, SIGUSR1] { kill(ward.guardian, number) }
    #expect(try ward.kill { try fixture.text(0) == "0" } != nil)
    #expect(isAlive(ward.guardian))
    // Its daemon is dead: now SIGTERM ends it.
    kill(ward.guardian, SIGTERM)
    #expect(eventually { !isAlive(ward.guardian) })
  }

  /// A child of the daemon may have inherited the connection, which then does not end with the daemon.
  @Test func deathIsDetectedWhileTheConnectionStaysOpen() throws {
    let ward = try ward([""], "leak", "o0=1")
    #expect(try ward.kill { try fixture.text(0) == "0" } != nil)
    ward.relieve()
  }

  @Test func aDaemonThatDiesDuringItsStartLeavesTheOldGuardianInCharge() throws {
    let first = try ward(["on_exit: hold"], "o0=0.7")
    first.kill()
    let second = try ward(["on_exit: hold"], "uncharged")
    #expect(second.holds == ["o0 0.7 agent/ward"])
    second.kill()
    #expect(eventually { !isAlive(second.guardian) })
    #expect(isAlive(first.guardian))
    let third = try ward(["on_exit: hold"])
    #expect(third.holds == ["o0 0.7 agent/ward"])
    #expect(try third.end() == 0)
  }

  @Test func aGuardianRefusesOthersWhileItsDaemonLives() throws {
    let ward = try ward([""], "o0=1")
    let connection = try UnixSocket.connect(GuardianLink.path(beside: fixture.socket), packets: true)
    var bytes: [UInt8] = []
    let count = try System.read(connection.number, into: &bytes)
    #expect(count != 0)
    #expect(GuardianMessage(bytes) == .refused(pid: ward.pid))
    #expect(try System.read(connection.number, into: &bytes) == 0)
    GuardianLink.relieve(beside: fixture.socket)
    #expect(isAlive(ward.guardian))
    #expect(try fixture.text(0) == "1000000")
    #expect(try ward.end() == 0)
  }

  @Test(arguments: [UInt64](1...3)) func nonsenseFromASuccessorIsHarmless(_ seed: UInt64) throws {
    var random = SeededGenerator(seed)
    let ward = try ward(["on_exit: hold"], "o0=1")
    ward.kill()
    let path = GuardianLink.path(beside: fixture.socket)
    for _ in 0..<20 {
      let connection = try UnixSocket.connect(path, packets: true)
      for _ in 0..<20 {
        var bytes = random.bytes(1...64)
        if Bool.random(using: &random) { bytes = [0x4F, 0x47, 1, UInt8.random(in: 0...50, using: &random)] + bytes }
        // Skip `take` and `discard`, which may end it or release outputs.
        if bytes.count > 3, bytes[3] == 18 || bytes[3] == 17 { continue }
        guard (try? UnixSocket.send(connection.number, bytes[...])) != nil else { break }
      }
    }
    #expect(isAlive(ward.guardian))
    #expect(try fixture.text(0) == "1000000")
    ward.relieve()
    #expect(try fixture.text(0) == "0")
  }

  @Test func aSuccessorThatDoesNotReadDelaysNothing() throws {
    let ward = try ward(["on_exit: hold"], "o0=1:0.5")
    ward.kill()
    let connection = try UnixSocket.connect(GuardianLink.path(beside: fixture.socket), packets: true)
    try System.setNonBlocking(connection.number)
    let hello = GuardianMessage.hello.bytes
    // More requests than there is room for answers.
    for _ in 0..<2000 { guard try UnixSocket.send(connection.number, hello[...]) > 0 else { break } }
    #expect(try eventually { try fixture.text(0) == "0" })
    ward.relieve()
    #expect(eventually { !isAlive(ward.guardian) })
  }

  /// The guardian never wakes up while the daemon lives and nothing is due.
  @Test func atRestItSleeps() throws {
    let ward = try ward(["", ""], "o0=1")
    // Wait until it has read all messages.
    _ = try eventually {
      let before = try switches(ward.guardian)
      Pause.wait(nanoseconds: 100_000_000)
      return try switches(ward.guardian) == before
    }
    let before = try switches(ward.guardian)
    // The measured time.
    Pause.wait(nanoseconds: 1_000_000_000)
    #expect(try switches(ward.guardian) == before)
    // Connection, listener, signals, the daemon's process, three standard ones; two files for each channel.
    #expect(try Files.names(in: "/proc/\(ward.guardian)/fd").count == 7 + 4)
    #expect(try ward.end() == 0)
  }
}
