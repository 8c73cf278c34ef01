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

/// A stand with the daemon's core on it: rules, agents in the process, and the registry.
package final class AgentStand {
  package let stand: Stand
  private let core: DaemonCore
  private var isClosed = false

  /// Builds the parts and starts the agents whose lifecycle is `always`.
  /// - Parameter rules: the text of an `orchestration.yaml`.
  package init(
    _ board: Board, _ devices: [DeviceID], agents manifests: [Manifest], types: [AgentType], rules: String,
    simulates: Bool = false, change: (inout Device) -> Void = { _ in }
  ) throws {
    let stand = try Stand(board, devices, simulates: simulates, change: change)
    self.stand = stand
    var site = DaemonCore.Site(
      loop: stand.loop, log: stand.log, hardware: stand.hardware, home: "/tmp/kernel-ring.registry",
      drivers: [InProcessDriver(types: types)])
    site.files = NoFiles()
    core = DaemonCore(site) { () throws(Diagnostics) in
      let known = KnownNames(board: stand.board, agents: manifests.map(\.id))
      let read = try ConfigText.rules(Array(rules.utf8), file: "rules.yaml", known: known).0
      return try RuleSet(compiling: read.rules, variables: read.firstValues)
    }
    // The stand has opened the hardware already, so the core is not started.
    stand.log.handOut(to: core.rules, core.agents)
    for manifest in manifests { try agents.adopt(manifest, state: [:]) }
    _ = try core.rules.reloadRules()
    agents.startResident()
    // The agents are ready before the first press.
    stand.turn(for: .milliseconds(20))
  }

  package var agents: AgentSupervisor { core.agents }

  /// Ends the agents, then the hardware.
  package func close() {
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
