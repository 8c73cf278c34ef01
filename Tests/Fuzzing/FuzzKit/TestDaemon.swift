import Agent
import AgentInProcess
import Config
import Control
import Document
import HAL
import HALSimulated
import Isolations
import Linux
import Model
import OpenStarryAgent
import Orchestrator
import Projection
import Rules
import Store
import TestKit

/// The daemon's core and control plane on a simulated board, with manual time.
final class TestDaemon {
  let loop: HandLoop
  let log: EventLog
  let hardware: Hardware
  let settings: Settings
  private let board: Board
  private let configured: [Manifest]
  private let simulation: SimulatedBackend
  private let core: DaemonCore
  private var control: ControlServer?
  /// The messages of parts that failed to start.
  private(set) var problems: [String] = []
  /// Whether a client has asked the daemon to stop.
  private(set) var stopRequested = false

  /// - Parameters:
  ///   - settings: paths in them are ignored.
  ///   - drivers: isolations besides in-process.
  ///   - home: an empty folder.
  init(
    board: Board, settings: Settings = Settings(board: "board.yaml"), rules: RuleSet = .empty,
    manifests: [Manifest] = [], drivers: [any AgentDriver] = [], home: String
  ) throws {
    var settings = settings
    (settings.home, settings.socket, settings.socketMode) = (home, "\(home)/control.sock", 0o600)
    (settings.viewGroup, settings.operateGroup, settings.adminGroup) = (nil, nil, nil)
    self.settings = settings
    self.board = board
    configured = manifests
    let loop = try HandLoop()
    self.loop = loop
    log = EventLog(on: loop, capacity: settings.eventRing, depthLimit: settings.depthLimit)
    simulation = SimulatedBackend(board: board, clock: loop, seed: 1) { frame, done in
      done(.success([0xFF, 0xD8] + frame.bytes.prefix(64) + [0xFF, 0xD9]))
    }
    hardware = Hardware(board: board, backend: simulation, clock: loop, events: log)
    var site = DaemonCore.Site(
      loop: loop, log: log, hardware: hardware, home: home, boot: "boot",
      drivers: [InProcessDriver(types: [AgentType("probe", Probe.self)])] + drivers)
    site.logLines = settings.logLines
    site.limits = settings.boardLimits
    site.random = SeededGenerator(1)
    site.utcOffset = { _ in 3600 }
    core = DaemonCore(site) { rules }
  }

  var agents: AgentSupervisor { core.agents }
  var rules: RuleRunner { core.rules }

  /// Starts everything, as the daemon does.
  func start() {
    core.start(core.registry.open(timeout: .seconds(5)), owner: self) { [unowned self] in problems.append($0) }
    loop.turn(wait: false)
  }

  /// Opens the socket.
  func listen() throws(ControlError) {
    let control = ControlServer(
      loop: loop.real, settings: settings,
      services: Services(
        daemon: self, registry: self, agents: agents, events: log, sink: log, rules: rules, hardware: hardware,
        simulation: simulation, shadows: agents.shadows,
        projection: Projection(agents: agents, hardware: hardware, rules: rules, events: log, clock: loop) {
          [unowned self] in agents.boardBudgets
        }), time: loop)
    try control.start()
    self.control = control
  }

  /// Uses the configuration: commands every actuator, reads every sensor, publishes an event, and lets a minute pass.
  func exercise() {
    let person = Principal(name: "client/root", permissions: .all)
    for device in board.devices {
      switch device.kind {
      case .sensor, .input: hardware.getSensorData(device.id, as: person) { _ in }
      case .actuator: _ = try? hardware.controlActuator(device.id, .level(1), lease: nil, as: person)
      case .camera: hardware.snapshot(device.id, as: person) { _ in }
      }
      loop.pass(.milliseconds(200), step: .milliseconds(100))
    }
    for name in Set(agents.listAgents().map(\.id)) { _ = try? agents.spawnAgent(name, cause: nil) }
    log.publish("probe:go", from: "client/root", ["value": 30.5, "device": "cam0", "active": true])
    loop.pass(.seconds(3), step: .milliseconds(250))
    loop.pass(.seconds(60), step: .seconds(5))
  }

  /// Shuts down.
  /// - Throws: `Violation` when it does not end, or when an output is not safe afterwards.
  func end() throws(Violation) {
    control?.stop()
    var hasEnded = false
    core.end(within: .seconds(3), onSafe: { _ in }) { hasEnded = true }
    for _ in 0..<400 where !hasEnded { loop.pass(.seconds(1), step: .seconds(1)) }
    // Deferred actions retain the loop.
    for _ in 0..<4 { loop.turn(wait: false) }
    // The control server retains this.
    control = nil
    try require(hasEnded, "the daemon does not end within 400 s")
  }
}

extension TestDaemon: DaemonCoreOwner {
  var safeMode: String? { nil }
  func manifests() -> [Manifest] { configured }
  func manifest(of kept: StoredAgent) -> Manifest? { nil }
  func readLate(_ kept: StoredRegistry.Contents) {}
  func failed(_ problem: String) { problems.append(problem) }
}

extension TestDaemon: DaemonControl {
  var version: String { Release.version }
  func status() -> Fields { ["board": .string(board.name)] }
  func stop() { stopRequested = true }
  func reload() throws(Diagnostics) -> Fields { ["rules": .int(Int64(try rules.reloadRules()))] }
  func leaveSafeMode(_ done: @escaping (Bool) -> Void) { done(false) }

  func problems(inRules text: String) -> [Diagnostic] {
    ConfigText.readRules(Array(text.utf8), file: "rules.yaml", known: KnownNames(board: board)).found
  }

  func files() -> [Fields] { [] }

  func probeLimits(_ done: @escaping (Fields) -> Void) -> Bool {
    done(["obstacle": "no processes here", "limits": .list([])])
    return true
  }

  func stopEverything(by client: String, reason: String?, cause: Cause?, _ done: @escaping (Bool, String?) -> Void) {
    core.stops?.begin(by: client, reason: reason, cause: cause, done)
  }

  func clearEmergencyStop(
    by client: String, cause: Cause?, _ done: @escaping (Bool, String?) -> Void
  ) throws(HALError) {
    try core.stops?.clear(by: client, cause: cause, done)
  }

  func history(_ agent: AgentID?, last: Int, _ done: @escaping (Result<[Fields], AgentControlError>) -> Void) {
    core.registry.history(agent, last: last) { result in
      done(result.map { $0.map(\.fields) }.mapError { .storage($0.message) })
    }
  }
}

extension TestDaemon: RegistryControl {

  func childManifest(
    _ path: String, parent: Manifest, values: [String: String]
  ) throws(RegistrationError) -> Value {
    // Requests of the fuzzer read no files.
    throw .invalid(Diagnostics([Diagnostic(Location(file: path), "there is no such file")]))
  }

  func register(
    _ registration: AgentRegistration, cause: Cause?, _ done: @escaping (Result<AgentStatus, RegistrationError>) -> Void
  ) {
    let checked: Manifest
    do throws(Diagnostics) {
      checked = try ConfigText.manifest(
        JSON.encode(registration.manifest), file: "\(registration.file).json", environment: [:],
        isolations: Isolations.known, board: board
      ).0
    } catch {
      return done(.failure(.invalid(error)))
    }
    agents.replace(checked, trial: registration.trial, cause: cause) { [self] result in
      if case .failure(let error) = result { return done(.failure(.agent(error))) }
      core.registry.flush { [self] _ in
        do throws(AgentControlError) { done(.success(try agents.agentStatus(checked.id))) } catch {
          done(.failure(.agent(error)))
        }
      }
    }
  }

  func setEnabled(
    _ agent: AgentID, _ isEnabled: Bool, cause: Cause?,
    _ done: @escaping (Result<AgentStatus?, RegistrationError>) -> Void
  ) {
    do throws(AgentControlError) { try agents.setEnabled(agent, isEnabled, cause: cause) } catch {
      return done(.failure(.agent(error)))
    }
    core.registry.flush { [self] _ in done(.success(try? agents.agentStatus(agent))) }
  }

  func unregister(_ agent: AgentID, _ done: @escaping (Result<Void, RegistrationError>) -> Void) {
    do throws(AgentControlError) { try agents.unregister(agent) } catch { return done(.failure(.agent(error))) }
    core.registry.flush { _ in done(.success(())) }
  }
}

/// An agent that performs the actions in its events.
private struct Probe: OpenStarryAgent.Agent {
  private var count: Int64 = 0

  mutating func handle(_ event: Event, _ context: inout Context) throws(AgentError) {
    count += 1
    context.log("\(event.type) \(count)")
    if let sensor = event["sensor"]?.string { _ = try context.read(sensor) }
    if let actuator = event["actuator"]?.string { try context.control(actuator, .on) }
    if let type = event["emit"]?.string { try context.emit(type, event.payload) }
    if let key = event["key"]?.string { try context.setState(key, event["value"]) }
    if let message = event["fail"]?.string { throw AgentError(.failed, message) }
  }

  func snapshot() -> Value { ["count": .int(count)] }
}
