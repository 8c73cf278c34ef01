import Agent
import AgentInProcess
import Config
import EventLoop
import HAL
import Linux
import Model
import OpenStarryAgent
import Orchestrator
import Rules

/// A stand with the parts above the hardware: rules, in-process agents and the registry, assembled as in the daemon.
public final class Zone {
  public let stand: Stand
  public let agents: AgentSupervisor
  private let rules: RuleRunner
  private let registry: StoredRegistry
  private var isClosed = false

  /// Assembles the parts and starts the agents whose lifecycle is `always`.
  /// - Parameter rules: the text of an `orchestration.yaml`.
  public init(
    _ board: Board, _ devices: [DeviceID], agents manifests: [Manifest], types: [AgentType], rules: String,
    change: (inout Device) -> Void = { _ in }
  ) throws {
    let stand = try Stand(board, devices, change: change)
    self.stand = stand
    registry = StoredRegistry(folder: "/tmp/kernel-ring.registry", loop: stand.loop, events: stand.log)
    let agents = AgentSupervisor(
      clock: stand.loop, events: stand.log, hardware: stand.hardware, files: NoFiles(), registry: registry,
      drivers: [InProcessDriver(types: types)], logLines: 100)
    self.agents = agents
    let runner = RuleRunner(
      clock: stand.loop, events: stand.log, hardware: stand.hardware, agents: agents, utcOffset: { _ in 0 },
      load: { () throws(Diagnostics) in
        let known = KnownNames(board: stand.board, agents: manifests.map(\.id))
        return try RuleSet(compiling: try ConfigText.rules(Array(rules.utf8), file: "rules.yaml", known: known).0)
      })
    self.rules = runner
    stand.log.dispatch = { event in
      runner.handle(event)
      agents.handle(event)
    }
    for manifest in manifests { try agents.adopt(manifest, state: [:]) }
    _ = try runner.reloadRules()
    agents.startResident()
    // Let all agents start before the first event.
    stand.turn(for: .milliseconds(20))
  }

  /// Ends the agents, then the hardware.
  public func close() {
    guard !isClosed else { return }
    isClosed = true
    var hasEnded = false
    agents.shutDown { hasEnded = true }
    try? stand.wait("the agents' end", within: .seconds(5)) { hasEnded }
    stand.close()
  }
}

/// The agents of the ring read no files.
private final class NoFiles: FileReading {
  func resolve(_ path: String) -> String? { nil }
  func read(_ path: String) throws(AgentError) -> [UInt8] { throw AgentError(.denied, "the ring has no files") }
}
