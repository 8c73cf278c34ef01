import Model
import Testing

@testable import FaultKit

/// `StrikeRules` with daemons that quarantine too many or too few agents, and with wrong safe modes.
@Suite struct StrikeRulesTests {
  private let rules = StrikeRules()
  private let invariants = Invariants(Board(name: "test", backend: .simulated, devices: []), at: at(0))

  private static func at(_ seconds: Double) -> Instant { Instant(nanoseconds: UInt64(seconds * 1e9)) }

  /// A daemon starts at this time with these quarantines.
  /// - Returns: the violated invariants.
  private func start(
    _ time: Double, finds quarantined: Set<AgentID> = [], isSafe: Bool = false, isKept: Bool = true,
    isDoubtful: Bool = false, isKeptAtHome: Bool = true
  ) -> [String] {
    rules.daemonStarts(
      at: Self.at(time), isKept: isKept, isDoubtful: isDoubtful, isKeptAtHome: isKept && isKeptAtHome)
    let before = invariants.violations.count
    rules.check(quarantined, isSafe: isSafe, invariants)
    return invariants.violations.dropFirst(before).map(\.rule)
  }

  private func strike(_ times: Double..., agent: AgentID? = "rogue") {
    for time in times {
      rules.daemonDied(in: agent)
      rules.daemonStarts(at: Self.at(time), isKeptAtHome: true)
    }
  }

  @Test func threeStrikesWithinTenMinutes() {
    strike(10, 20)
    #expect(start(21) == [])
    #expect(start(21, finds: ["rogue"]) == ["three strikes"])
    rules.daemonDied(in: "rogue")
    #expect(start(609.9, finds: ["rogue"]) == [])
    #expect(start(700) == ["three strikes"])
  }

  @Test func distantStrikesDoNotCount() {
    strike(10, 20)
    rules.daemonDied(in: "rogue")
    #expect(start(611) == [])
  }

  @Test func strikesCountPerAgent() {
    strike(10, 20, 30)
    #expect(start(31, finds: ["rogue"]) == [])
    #expect(start(31, finds: ["rogue", "other"]) == ["three strikes"])
  }

  @Test func storedReleaseIsRespected() {
    strike(10, 20, 30)
    rules.release("rogue", isWritten: true)
    // The daemon died during the write: both outcomes are valid.
    #expect(start(31) == [])
    #expect(start(31, finds: ["rogue"]) == [])
    rules.release("rogue", isWritten: true)
    rules.kept(atHome: false)
    #expect(start(32) == [])
    #expect(start(32, finds: ["rogue"]) == ["three strikes"])
    // The disk still has the older state.
    rules.powerGoes()
    #expect(start(33, finds: ["rogue"]) == [])
  }

  @Test func lostReleaseIsNotPartOfTheNextWrite() {
    strike(10, 20, 30)
    rules.release("rogue", isWritten: true)
    #expect(start(31, finds: ["rogue"]) == [])
    rules.write()
    rules.kept(atHome: true)
    #expect(start(32, finds: ["rogue"]) == [])
    #expect(start(33) == ["three strikes"])
  }

  @Test func storedQuarantineSurvivesAPowerCut() {
    strike(10, 20, 30)
    rules.powerGoes()
    #expect(start(31, finds: ["rogue"]) == [])
    #expect(start(31) == ["three strikes"])
  }

  @Test func unstoredStrikesMayBeLostInAPowerCut() {
    strike(10, 20)
    rules.daemonDied(in: "rogue")
    #expect(start(30, finds: ["rogue"], isKeptAtHome: false) == [])
    rules.powerGoes()
    #expect(start(31, isKeptAtHome: false) == [])
    #expect(start(31, finds: ["rogue"]) == [])
  }

  @Test func unstoredStrikesEndWithTheDaemon() {
    for laterKept in [false, true] {
      let test = StrikeRulesTests()
      test.strike(10, 20)
      test.rules.daemonDied(in: "rogue")
      // This daemon knows of the strike.
      #expect(test.start(30, finds: ["rogue"], isKept: false) == [])
      #expect(test.invariants.violations == [])
      // A later write for another reason contains the strike, too.
      test.rules.write()
      if laterKept { test.rules.kept(atHome: false) }
      #expect(test.start(31, finds: ["rogue"]) == (laterKept ? [] : ["three strikes"]))
      #expect(test.start(32) == (laterKept ? ["three strikes"] : []))
    }
  }

  /// When the fsync(2) of the folder fails after a rename, the next daemon reads either the new file or the old one.
  @Test func failedFolderFsyncMayHaveStored() {
    for (isDoubtful, isSafe) in [(true, true), (true, false), (false, false)] {
      let test = StrikeRulesTests()
      test.strike(1, 2, 3, agent: nil)
      test.rules.daemonDied(in: nil)
      #expect(test.start(4, isKept: false, isDoubtful: isDoubtful) == [])
      test.rules.daemonDied(in: nil)
      #expect(test.start(5, isSafe: isSafe) == [])
    }
    let test = StrikeRulesTests()
    test.strike(1, 2, 3, agent: nil)
    test.rules.daemonDied(in: nil)
    #expect(test.start(4, isKept: false) == [])
    test.rules.daemonDied(in: nil)
    #expect(test.start(5, isSafe: true) == ["boot loop"])
  }

  @Test func unstoredReleaseMayBeLost() {
    for isForgotten in [false, true] {
      let test = StrikeRulesTests()
      test.strike(10, 20, 30)
      test.rules.release("rogue", isWritten: true)
      test.rules.kept(anywhere: false, atHome: false)
      #expect(test.start(31, finds: isForgotten ? ["rogue"] : []) == [])
    }
  }

  @Test func fiveEndsAreABootLoop() {
    strike(1, 2, 3, 4, agent: nil)
    #expect(start(5) == [])
    #expect(start(5, isSafe: true) == ["boot loop"])
    rules.daemonDied(in: nil)
    #expect(start(6) == ["boot loop"])
    #expect(start(6, isSafe: true) == [])
    rules.forgive()
    rules.kept(atHome: true)
    rules.daemonDied(in: nil)
    #expect(start(7) == [])
    #expect(start(7, isSafe: true) == ["boot loop"])
  }
}
