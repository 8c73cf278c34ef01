import Glibc
import GuardianTestKit
import Linux
import Testing

/// The real guardian of a process that is stuck.
@Suite(.serialized) struct StuckDaemonTests {
  private let fixture: PWMFixture

  init() throws { fixture = try PWMFixture(channels: 4) }

  private func ward(_ settings: [String], _ more: String...) throws -> WardProcess {
    try fixture.ward(settings, ["log"] + more)
  }

  private func overruled(_ ward: WardProcess) -> [String] {
    ward.events.filter { $0.hasPrefix("system:guardian_overruled") }
  }

  @Test func overdueLeasesOfAStuckDaemonEnd() throws {
    let ward = try ward(
      ["on_exit: hold", "safe: 0.1, on_exit: input", "on_exit: hold", "max_on: 500ms"], "stop", "o0=1:0.3",
      "o1=0.5:0.4",
      "o2=0.25:60", "o3=0.75:60")
    #expect(try eventually { try fixture.text(0) == "0" && fixture.text(1) == "100000" && fixture.text(3) == "0" })
    // Its lease continues.
    #expect(try fixture.text(2) == "250000")
    // It is safe and not released.
    #expect(try fixture.text(1, "enable") == "1" && fixture.unexported() == "")
    #expect(try eventually { try fixture.log().count == 3 })
    for (line, start) in zip(
      try fixture.log(), ["o0: held by agent/ward at 100 %", "o1: held by agent/ward at 50 %", "o3: "])
    {
      #expect(line.contains(start) && line.hasSuffix("ms ago and the daemon does not answer; safe"), "\(line)")
      let words = line.split(separator: " ")
      let late = words.firstIndex(of: "ended").flatMap { Int(words[$0 + 1]) }
      #expect(try #require(late) >= 250, "\(line)")
    }
    #expect(ward.events.allSatisfy { !$0.hasPrefix("system:guardian_overruled") })
    ward.goOn()
    for device in ["o0", "o1", "o3"] {
      if !overruled(ward).contains(where: { $0.contains("made \(device) safe") }) {
        try ward.wait { $0.hasPrefix("event system:guardian_overruled") && $0.contains("made \(device) safe") }
      }
    }
    #expect(overruled(ward).count == 3)
    #expect(try fixture.text(2) == "250000" && fixture.text(1) == "100000")
    #expect(try ward.end() == 0)
    #expect(try fixture.log().count == 3)
  }

  @Test func aStuckDaemonThatIsKilledLeavesTheRestAsUsual() throws {
    let ward = try ward(["on_exit: hold", "", "on_exit: hold"], "stop", "o0=1:0.2", "o1=1", "o2=1")
    #expect(try eventually { try fixture.text(0) == "0" })
    #expect(try fixture.text(1) == "1000000")
    #expect(try ward.kill { try fixture.text(1) == "0" } != nil)
    #expect(try fixture.text(0) == "0" && fixture.text(2) == "1000000")
    ward.relieve()
    #expect(try fixture.text(2) == "0")
  }

  @Test func aRestartedGuardianKnowsTheDeadlines() throws {
    let ward = try ward([""], "o0=1:4")
    kill(ward.guardian, SIGKILL)
    try ward.wait { $0.hasPrefix("event system:guardian_back") }
    ward.stop()
    #expect(try eventually { try fixture.text(0) == "0" })
    #expect(try eventually { try fixture.log().last?.hasSuffix("the daemon does not answer; safe") == true })
    ward.kill()
    ward.relieve()
  }

  @Test func leasesRenewedInTimeAreNotOverruled() throws {
    let ward = try ward([""], "renew=100", "o0=1:1")
    let before = try switches(ward.guardian)
    // The guardian has checked the leases more than once.
    #expect(try eventually { try switches(ward.guardian) >= before + 4 })
    #expect(try fixture.text(0) == "1000000")
    #expect(try fixture.log().isEmpty)
    #expect(try ward.end() == 0)
    #expect(overruled(ward).isEmpty)
  }

  @Test func withoutLeasesTheGuardianSleeps() throws {
    let ward = try ward(["", ""], "o0=1:0.1", "o1=0.5:0.2")
    #expect(try eventually { try fixture.text(0) == "0" && fixture.text(1) == "0" })
    // Wait until it has checked for the last time.
    _ = try eventually {
      let before = try switches(ward.guardian)
      Pause.wait(nanoseconds: 500_000_000)
      return try switches(ward.guardian) == before
    }
    let before = try switches(ward.guardian)
    // The measured time.
    Pause.wait(nanoseconds: 1_000_000_000)
    #expect(try switches(ward.guardian) == before)
    #expect(try fixture.log().isEmpty)
    #expect(try ward.end() == 0)
  }
}
