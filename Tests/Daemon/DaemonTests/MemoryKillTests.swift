import Linux
import Systemd
import TestKit
import Testing

/// The note that the kernel has killed the daemon for memory.
@Suite struct MemoryKillTests {
  @Test(arguments: [
    ("oom-kill", "KILL", 0, true), ("signal", "KILL", 1, true), ("signal", "KILL", 0, false),
    ("signal", "SEGV", 1, false), ("success", "0", 1, false), ("watchdog", "ABRT", 1, false),
  ])
  func noteIsLeftForKillsForMemoryOnly(_ result: String, _ status: String, _ kills: UInt64, _ isLeft: Bool) throws {
    let place = try TemporaryFolder()
    let environment = [
      "RUNTIME_DIRECTORY": "\(place.path):/elsewhere", "SERVICE_RESULT": result, "EXIT_STATUS": status,
    ]
    let kill = try #require(MemoryKill(environment))
    kill.note(kills: kills)
    #expect(kill.isThere == isLeft)
    kill.remove()
    #expect(!kill.isThere)
  }
}
