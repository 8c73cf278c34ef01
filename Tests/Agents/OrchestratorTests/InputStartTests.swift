import Agent
import AgentInProcess
import HAL
import HALSimulated
import HALTestKit
import Model
import Orchestrator
import RuleTrial
import Rules
import Store
import TestKit
import Testing

/// What rules learn of inputs when the daemon starts.
@Suite struct InputStartTests {
  /// The daemon's core in a house with water on the floor since before the start.
  private final class House: DaemonCoreOwner {
    let loop = TrialLoop()
    let backend: SimulatedBackend
    var safeMode: String?
    private let folder: TemporaryFolder
    private var core: DaemonCore?
    private(set) var events: [Event] = []

    init(_ declared: RuleDeclaration..., safeMode: String? = nil) throws {
      self.safeMode = safeMode
      folder = try TemporaryFolder()
      let board = Board(
        name: "house", backend: .simulated,
        devices: [
          .input("leak", InputSettings(edges: .falling)), .input("stop", InputSettings(emergencyStop: true)),
          // Open while nobody says otherwise.
          .actuator("valve", ActuatorSettings(safe: 1)), .actuator("lamp"),
        ])
      let log = EventLog(on: loop, capacity: 256, depthLimit: 16)
      backend = SimulatedBackend(board: board, clock: loop, seed: 1)
      _ = try backend.open(board.devices[0])
      try backend.inject("leak", ["active": true])
      let hardware = Hardware(board: board, backend: backend, clock: loop, events: log)
      let core = DaemonCore(
        DaemonCore.Site(
          loop: loop, log: log, hardware: hardware, home: folder.path, drivers: [InProcessDriver(types: [])])
      ) { () throws(Diagnostics) in try RuleSet(compiling: declared) }
      self.core = core
      _ = log.listen(EventPattern("*")) { [unowned self] in events.append($0) }
      core.start(core.registry.open(timeout: .seconds(5)), owner: self) { Issue.record("\($0)") }
      loop.settle()
    }

    func leaveSafeMode() {
      safeMode = nil
      core?.leaveSafeMode()
      loop.settle()
    }

    func of(_ type: String) -> [Event] { events.filter { $0.type == type } }
    func level(_ id: DeviceID) -> Double? { backend.history(of: id).last?.level }

    func manifests() -> [Manifest] { [] }
    func manifest(of kept: StoredAgent) -> Manifest? { nil }
    func readLate(_ kept: StoredRegistry.Contents) {}
    func failed(_ problem: String) { Issue.record("\(problem)") }
  }

  private let close = rule(
    "leak", on: [EventPattern("input:leak")], if: "active", .actuate("valve", .off, lease: .seconds(3600)))

  @Test func aLeakThatIsWetAtTheStartClosesTheValve() throws {
    let house = try House(close)
    #expect(house.level("valve") == 0)
    let event = try #require(house.of("input:leak").first)
    #expect(event["active"] == true && event["initial"] == true && event["edge"] == "none")
    #expect(house.of("device:changed").last?.trace == event.id)
    #expect(house.of("input:stop").map { $0["initial"] } == [true])
  }

  @Test func whatCountsEdgesCanTellThemFromTheStart() throws {
    let house = try House(
      rule(
        "visitor", on: [EventPattern("input:leak")], if: "active && !initial",
        .actuate("lamp", .on, lease: .seconds(60))))
    #expect(house.level("lamp") == 0 && house.of("rule:error").isEmpty)
  }

  /// The stop button is watched in safe mode, and rules are there afterwards only: it is told them then.
  @Test func whatWasWatchedInSafeModeIsToldAfterwards() throws {
    let house = try House(
      close,
      rule(
        "button", on: [EventPattern("input:stop")], if: "initial && !active", .actuate("lamp", .on, lease: .seconds(60))
      ),
      safeMode: "it was asked for")
    #expect(house.of("input:stop").isEmpty && house.of("input:leak").isEmpty)
    house.leaveSafeMode()
    #expect(house.level("valve") == 0 && house.level("lamp") == 1)
  }
}
