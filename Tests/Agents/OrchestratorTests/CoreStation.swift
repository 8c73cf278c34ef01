import Agent
import AgentInProcess
import HAL
import HALSimulated
import HALTestKit
import Model
import RuleTrial
import Rules
import Store
import TestKit

@testable import Orchestrator

/// The daemon's core on a simulated board, with rules that can be read again, on time that is moved by hand.
final class CoreStation: DaemonCoreOwner {
  let loop = TrialLoop()
  let log: EventLog
  let backend: SimulatedBackend
  let hardware: Hardware
  let slow = SlowDriver()
  let folder: TemporaryFolder
  let core: DaemonCore
  private(set) var events: [Event] = []
  private(set) var problems: [String] = []
  /// The next answer of the disk to a stop; nil for none yet.
  private(set) var answer: String??
  let safeMode: String?
  private let declared: Declared
  private let configured: [Manifest]

  init(
    _ rules: [RuleDeclaration] = [], agents configured: [Manifest] = [], guardian: (any DaemonCoreGuardian)? = nil,
    in folder: TemporaryFolder? = nil, safeMode: String? = nil, model: (any ModelGateway & ModelControl)? = nil,
    boot: String = "", devices: [Device] = []
  ) throws {
    let folder = try folder ?? TemporaryFolder()
    (self.folder, self.safeMode) = (folder, safeMode)
    self.configured = configured
    let declared = Declared()
    declared.rules = rules
    self.declared = declared
    let board = Board(
      name: "station", backend: .simulated,
      devices: [
        .sensor("temperature", SensorSettings(deadband: 1)), .input("door"),
        .input("stop", InputSettings(emergencyStop: true)),
        .actuator("heater", ActuatorSettings(onExit: .hold)), .actuator("pump"), .actuator("fan"),
      ] + devices)
    log = EventLog(on: loop, capacity: 1024, depthLimit: 16)
    backend = SimulatedBackend(board: board, clock: loop, seed: 1)
    hardware = Hardware(board: board, backend: backend, clock: loop, events: log)
    var site = DaemonCore.Site(
      loop: loop, log: log, hardware: hardware, home: folder.path, boot: boot,
      drivers: [InProcessDriver(types: [AgentType("doer", Doer.self)]), slow])
    site.logLines = 20
    site.guardian = guardian
    site.model = { _ in model }
    core = DaemonCore(site) { () throws(Diagnostics) in try RuleSet(compiling: declared.rules) }
    _ = log.listen(EventPattern("*")) { [unowned self] in events.append($0) }
    core.start(core.registry.open(timeout: .seconds(5)), owner: self) { [unowned self] in problems.append($0) }
    loop.settle()
  }

  var agents: AgentSupervisor { core.agents }
  var rules: RuleRunner { core.rules }

  /// The file in which the stop outlives the daemon.
  var stopFile: String { "\(folder.path)/emergency-stop.json" }

  /// Moves time on in small steps.
  func wait(_ duration: Duration) {
    loop.settle()
    let end = loop.now + duration
    while loop.now < end {
      loop.clock.advance(by: min(.milliseconds(50), end - loop.now))
      loop.settle()
    }
  }

  func emit(_ type: String) {
    log.publish(type, from: "client/test")
    loop.settle()
  }

  func simulate(_ device: DeviceID, _ fault: Value) throws {
    try backend.inject(device, fault)
    loop.settle()
  }

  func stop() {
    core.stops?.begin(by: "client/ada", reason: nil, cause: nil) { [unowned self] in answer = $1 }
    loop.settle()
  }

  func clear() throws {
    try core.stops?.clear(by: "client/ada", cause: nil) { [unowned self] in answer = $1 }
    loop.settle()
  }

  func reload(_ rules: RuleDeclaration...) throws {
    declared.rules = rules
    _ = try self.rules.reloadRules()
    loop.settle()
  }

  func of(_ type: String) -> [Event] { events.filter { $0.type == type } }
  func level(_ id: DeviceID) -> Double? { backend.history(of: id).last?.level }
  func lines(_ id: AgentID) throws -> [String] { try agents.logs(id, last: 100).map(\.message) }
  func status(_ id: RuleID) -> RuleStatus? { rules.listRules().first { $0.id == id } }

  func manifests() -> [Manifest] { configured }
  func manifest(of kept: StoredAgent) -> Manifest? { nil }
  func readLate(_ kept: StoredRegistry.Contents) {}
  func failed(_ problem: String) { problems.append(problem) }

  private final class Declared {
    var rules: [RuleDeclaration] = []
  }
}
