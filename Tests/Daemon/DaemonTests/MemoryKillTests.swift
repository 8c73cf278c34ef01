import Linux
import Systemd
import TestKit
import Testing

/// The note that the kernel has killed the daemon for memory.
@Suite struct MemoryKillTests {
  private func kill(in place: TemporaryFolder, result: String = "signal", status: String = "KILL") throws -> MemoryKill
  {
    let environment = [
      "RUNTIME_DIRECTORY": "\(place.path):/elsewhere", "SERVICE_RESULT": result, "EXIT_STATUS": status,
    ]
    return try #require(MemoryKill(environment))
  }

  @Test(arguments: [
    ("oom-kill", "KILL", 0, true), ("signal", "KILL", 1, true), ("signal", "KILL", 0, false),
    ("signal", "SEGV", 1, false), ("success", "0", 1, false), ("watchdog", "ABRT", 1, false),
  ])
  func noteIsLeftForKillsForMemoryOnly(_ result: String, _ status: String, _ kills: UInt64, _ isLeft: Bool) throws {
    let place = try TemporaryFolder()
    let kill = try kill(in: place, result: result, status: status)
    kill.note(kills: kills)
    #expect(kill.isThere == isLeft)
    kill.begin(kills: 0)
    #expect(!kill.isThere)
  }

  /// The guardian keeps the control group, and its count, for the next daemon.
  @Test func killsOfEarlierRunsDoNotCount() throws {
    let place = try TemporaryFolder()
    let kill = try kill(in: place)
    kill.begin(kills: 2)
    kill.note(kills: 2)
    #expect(!kill.isThere)
    kill.note(kills: 3)
    #expect(kill.isThere)
    // A new group.
    kill.begin(kills: 2)
    kill.note(kills: 0)
    #expect(!kill.isThere)
    kill.note(kills: 1)
    #expect(kill.isThere)
  }
}
