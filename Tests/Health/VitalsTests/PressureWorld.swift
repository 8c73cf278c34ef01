import AgentInProcess
import EventLoop
import HAL
import HALSimulated
import Linux
import Model
import OpenStarryAgent
import Orchestrator
import TestKit

@testable import Vitals

/// Three agents, with the kernel's files in a folder of the test, and a manual clock.
final class PressureWorld {
  let clock = ManualClock()
  let log: EventLog
  let agents: AgentSupervisor
  let watch: PressureWatch
  let folder: TemporaryFolder
  let meter: BoardMeter
  private(set) var events: [Event] = []
  private(set) var shortCPU: [Bool] = []
  private(set) var rests = 0

  /// - Parameters:
  ///   - files: the pressure of each resource.
  ///   - tree: the machine on which the daemon's usage is measured.
  init(_ files: [String: Double], budget: Budget = Budget(), on tree: CgroupTree? = nil) throws {
    folder = try TemporaryFolder()
    meter = BoardMeter(budget, clock: clock, root: tree?.root ?? folder.path)
    var budget = budget
    budget.memory = meter.memoryBudget
    let loop = try EventLoop()
    log = EventLog(clock: clock, capacity: 100, depthLimit: 16, later: { loop.later($0) })
    let board = Board(name: "world", backend: .simulated, devices: [])
    let hardware = Hardware(
      board: board, backend: SimulatedBackend(board: board, clock: clock, seed: 1), clock: clock, events: log)
    agents = AgentSupervisor(
      clock: clock, events: log, hardware: hardware, files: AgentFiles(), registry: Forgetful(),
      drivers: [InProcessDriver(types: [AgentType("idler", Idler.self)])], logLines: 10,
      limits: BoardLimits(budget: budget))
    watch = PressureWatch(loop: loop, clock: clock, log: log, agents: agents, folder: folder.path, environment: [:])
    _ = log.listen(EventPattern("*")) { [unowned self] in events.append($0) }
    for (file, average) in files { try set(file, average) }
    for (id, priority) in [("guard", Priority.critical), ("logger", .background), ("radio", .low)] {
      try agents.adopt(
        Manifest(
          id: AgentID(id), name: id,
          runtime: Manifest.Runtime(driver: .inProcess, entry: "idler", lifecycle: .always),
          policy: Policy(priority: priority)), state: [:])
    }
    agents.startResident()
    watch.onShortCPU = { [unowned self] in shortCPU.append($0) }
    watch.onRest = { [unowned self] in rests += 1 }
    watch.follow(meter)
    watch.start()
  }

  func set(_ file: String, _ average: Double) throws {
    try folder.write(file, "some avg10=\(average) avg60=0 avg300=0 total=1\n")
  }

  var running: [String] { agents.running.map(\.agent.rawValue) }
}

private struct Idler: OpenStarryAgent.Agent {
  mutating func handle(_ event: Event, _ context: inout Context) throws(AgentError) {}
}

private final class Forgetful: AgentRegistry {
  func keep(_ changes: [RegistryChange]) throws(RegistryFailure) {}
  func flush(_ done: @escaping (Result<Void, RegistryFailure>) -> Void) { done(.success(())) }
}
