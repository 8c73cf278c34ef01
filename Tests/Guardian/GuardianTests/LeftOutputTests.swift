import Glibc
import GuardianClient
import GuardianTestKit
import Linux
import Testing

/// The real guardian and outputs that refuse to be safe, after an orderly exit and after a sudden death.
@Suite(.serialized) struct LeftOutputTests {
  private let fixture: PWMFixture
  private let log: LogPipe

  init() throws {
    fixture = try PWMFixture(channels: 4)
    log = try LogPipe("\(fixture.root)/ward.log")
  }

  private func ward(_ settings: [String], _ more: String...) throws -> WardProcess {
    try fixture.ward(settings, ["log"] + more)
  }

  private func wait(for line: String) throws {
    let isThere = try eventually { try log.lines().contains { $0.contains(line) } }
    let lines = try log.lines()
    #expect(isThere, "'\(line)' in \(lines)")
  }

  @Test func itRetriesRefusingOutputsAndExitsWhenTheyAreSafe() throws {
    let ward = try ward(["", "on_exit: hold", "safe: 0.1"], "o0=1", "o1=1", "o2=1")
    try ward.refuseWrites(true)
    #expect(try ward.end() == 0)
    #expect(try [0, 1, 2].map { try fixture.text($0) } == ["1000000", "1000000", "1000000"])
    try wait(for: "(process \(ward.pid)) has ended and left outputs; 2 outputs dealt with in")
    try wait(for: "o0: NOT SAFE: File too large; retrying until it is safe")
    #expect(isAlive(ward.guardian))
    try ward.refuseWrites(false)
    #expect(eventually { !isAlive(ward.guardian) })
    // The held output has kept its level.
    #expect(try [0, 1, 2].map { try fixture.text($0) } == ["0", "1000000", "100000"])
    try wait(for: "o0: safe")
    try wait(for: "o2: safe")
    guard case .nobody = GuardianLink.heir(beside: fixture.socket) else {
      Issue.record("a guardian answers")
      return
    }
  }

  @Test func anOutputThatObeysInTimeIsNotLeft() throws {
    let ward = try ward([""], "o0=1")
    try ward.refuseWrites(true, guardian: false)
    ward.askToEnd()
    try ward.wait { $0.hasPrefix("event device:fault") }
    try ward.refuseWrites(false, guardian: false)
    #expect(try ward.waitForEnd() == 0)
    #expect(try fixture.text(0) == "0")
    #expect(!isAlive(ward.guardian))
  }

  @Test func theNextDaemonTakesItOver() throws {
    let first = try ward(["", ""], "o0=1", "o1=1")
    try first.refuseWrites(true)
    #expect(try first.end() == 0)
    #expect(isAlive(first.guardian))
    guard case .guardian(let refusing) = GuardianLink.heir(beside: fixture.socket) else {
      Issue.record("no guardian answers")
      return
    }
    #expect(
      refusing.map(\.device) == ["o0", "o1"] && refusing.allSatisfy { $0.isTriedAgain && $0.why == "File too large" })
    let second = try ward(["", ""])
    let report = try #require(second.events.first { $0.hasPrefix("system:guardian_report") })
    #expect(
      report.contains(
        "(process \(first.pid)) stopped and left its guardian 2 outputs: o0 is NOT SAFE: File too large"
      ),
      "\(report)")
    #expect(eventually { !isAlive(first.guardian) })
    #expect(try fixture.text(0) == "0" && fixture.text(1) == "0")
    #expect(try second.end() == 0)
    #expect(!isAlive(second.guardian))
  }

  @Test func aTerminatedGuardianLogsWhatIsNotSafe() throws {
    let ward = try ward([""], "o0=1")
    try ward.refuseWrites(true)
    #expect(try ward.end() == 0)
    kill(ward.guardian, SIGTERM)
    #expect(eventually { !isAlive(ward.guardian) })
    #expect(try log.lines().filter { $0.contains("o0: NOT SAFE") }.count >= 2)
    #expect(try fixture.text(0) == "1000000")
  }

  @Test func afterASuddenDeathItRetriesUntilTheNextDaemon() throws {
    let ward = try ward(["", "on_exit: input"], "o0=1", "o1=1")
    try ward.refuseWrites(true)
    ward.kill()
    try wait(for: "ms; NOT SAFE: File too large; retrying until it is safe")
    try ward.refuseWrites(false)
    try wait(for: "ms; safe")
    try wait(for: "ms; let go")
    #expect(try fixture.text(0) == "0" && fixture.text(1, "enable") == "0")
    // It keeps them safe.
    #expect(isAlive(ward.guardian))
    ward.relieve()
  }

  /// An output that has refused the daemon once is still made safe by the guardian.
  @Test func anOutputThatRefusedStaysWithTheGuardian() throws {
    let ward = try ward([""], "o0=1:2")
    try ward.refuseWrites(true, guardian: false)
    try ward.wait { $0.hasPrefix("event device:fault") }
    #expect(try ward.kill { try fixture.text(0) == "0" } != nil)
    ward.relieve()
  }
}

/// A log that is a pipe, so that limits on file sizes do not affect it.
private final class LogPipe {
  private let pipe: Descriptor
  private var bytes: [UInt8] = []

  init(_ path: String) throws {
    guard unsafe path.withCString({ unsafe mkfifo($0, 0o600) }) == 0 else { throw SystemError("mkfifo", path) }
    pipe = try System.open(path, O_RDWR | O_NONBLOCK)
  }

  /// All lines written so far.
  func lines() throws -> [Substring] {
    while let count = try System.read(pipe.number, into: &bytes), count > 0 {}
    return String(decoding: bytes, as: UTF8.self).split(separator: "\n")
  }
}
