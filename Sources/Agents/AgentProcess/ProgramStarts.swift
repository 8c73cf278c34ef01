import Agent
import EventLoop
import LauncherClient
import Model
import Plugins
import ProxyClient

/// Starts the programs of one driver, and gives up the starts of those that have not said yet that they are ready.
final class ProgramStarts {
  private let loop: EventLoop
  private let launcher: LauncherLink
  private let proxy: ProxyLink
  private let limits: ProcessLimits
  /// The instances that are starting.
  private var instances: [AgentID: ProcessInstance] = [:]

  init(_ limits: ProcessLimits, on loop: EventLoop, launcher: LauncherLink, proxy: ProxyLink) {
    self.limits = limits
    self.loop = loop
    self.launcher = launcher
    self.proxy = proxy
  }

  /// - Throws: when the launcher is missing, or the proxy of an agent with hosts.
  func checkCompanions(for manifest: Manifest) throws(AgentFailure) {
    if let absence = launcher.absence { throw AgentFailure(.startFailed, absence) }
    guard !manifest.permissions.hosts.isEmpty else { return }
    if let absence = proxy.absence { throw AgentFailure(.startFailed, absence) }
    guard ProxyLink.takes(manifest.permissions.hosts) else {
      throw AgentFailure(.startFailed, "network_allow_hosts of agent '\(manifest.id)' is longer than 64 KiB")
    }
  }

  /// Starts an agent's program.
  /// - Parameters:
  ///   - done: called once, now or later.
  ///   - prepare: how the program is confined, and the plugins that cannot be removed as long as it lives.
  func start(
    _ manifest: Manifest, host: any AgentHost, ended: @escaping (AgentEnd) -> Void,
    _ done: @escaping (Result<any AgentInstance, AgentFailure>) -> Void,
    _ prepare: () throws(AgentFailure) -> (Confinement, [InstalledPlugin])
  ) {
    let id = manifest.id
    do throws(AgentFailure) {
      let (confinement, plugins) = try prepare()
      let instance = ProcessInstance(
        manifest, limits, host: host, loop: loop, launcher: launcher, proxy: proxy, ended: ended
      ) { [weak self] result in
        self?.instances[id] = nil
        done(result)
      }
      instance.plugins = plugins
      instances[id] = instance
      try instance.start(confinement, limits.limits(of: manifest, limits.inForce(manifest)))
    } catch {
      instances[id] = nil
      done(.failure(error))
    }
  }

  /// Gives a start up; `done` follows with the reason `killed`. Does nothing if there is none.
  func cancel(_ agent: AgentID) { instances[agent]?.cancelStart() }
}
