import Agent
import EventLoop
import Launcher
import LauncherClient
import Linux
import Model
import Plugins
import ProxyClient

/// Runs agents that are programs, each in a sandbox that the launcher makes. `docs/process-abi.md` is their protocol.
package final class ProcessDriver: AgentDriver {
  private let launcher: LauncherLink
  private let proxy: ProxyLink
  private let plugins: PluginStore
  private let home: String
  private let sockets: [String]
  private let data: DataFolders
  private let limits: ProcessLimits
  private let starts: ProgramStarts

  /// Creates a driver. Starts nothing yet.
  /// - Parameters:
  ///   - home: `$OPENSTARRY_HOME`, which no agent sees.
  ///   - plugins: the plugins of agents; nil is the folder `plugins` in `home`.
  ///   - sockets: the daemon's sockets, which no agent may reach.
  ///   - launcher: starts the programs; nil for a launcher of this driver's own.
  ///   - proxy: connects agents to the hosts of their manifests; nil for a proxy of this driver's own.
  ///   - data: the folder for those of agents; nil for the usual one.
  ///   - limits: time limits, and the limits of agents without a budget.
  package init(
    _ loop: EventLoop, home: String, plugins: PluginStore? = nil, sockets: [String] = [],
    launcher: LauncherLink? = nil, proxy: ProxyLink? = nil, data: String? = nil,
    limits: ProcessLimits = ProcessLimits()
  ) {
    self.home = home
    self.sockets = sockets
    self.launcher = launcher ?? LauncherLink(loop)
    self.proxy = proxy ?? ProxyLink(loop)
    self.limits = limits
    self.data = DataFolders(data, home: home, self.launcher)
    starts = ProgramStarts(limits, on: loop, launcher: self.launcher, proxy: self.proxy)
    self.plugins = plugins ?? PluginStore(home: home)
  }

  /// The properties of this isolation.
  package static let isolation = Isolation(
    .process, entry: "the program's file",
    check: { manifest throws(AgentFailure) in
      try checkFolders(OwnFolders(manifest, program: try program(of: manifest)), of: manifest, hidden: [])
    })

  package var isolation: Isolation { Self.isolation.limited(by: launcher.facts) }

  package func validate(_ manifest: Manifest) throws(AgentFailure) {
    let program = try Self.program(of: manifest)
    _ = try plugins.plugins(of: manifest)
    try checkAccess(program, of: manifest)
    try starts.checkCompanions(for: manifest)
    try data.check(manifest)
    guard Sandbox.filter(of: manifest) != nil else {
      throw AgentFailure(
        .startFailed,
        "\(Sandbox.filterName(of: manifest)), the seccomp filter of such agents, is not installed beside "
          + "openstarry-launcher")
    }
  }

  package func inForce(_ manifest: Manifest) -> Budget { limits.inForce(manifest) }

  package func start(
    _ manifest: Manifest, host: any AgentHost, ended: @escaping (AgentEnd) -> Void,
    _ done: @escaping (Result<any AgentInstance, AgentFailure>) -> Void
  ) {
    starts.start(manifest, host: host, ended: ended, done) { () throws(AgentFailure) in
      let program = try Self.program(of: manifest)
      try checkAccess(program, of: manifest)
      let plugins = try plugins.plugins(of: manifest)
      let sandbox = Sandbox(
        manifest, program: program, plugins: plugins, hidden: hidden,
        data: data.folder(of: manifest), tasks: limits.tasks)
      return (sandbox.confinement, plugins)
    }
  }

  package func cancelStart(of agent: AgentID) { starts.cancel(agent) }

  private static func checkFolders(
    _ own: OwnFolders, of manifest: Manifest, hidden: [String]
  ) throws(AgentFailure) {
    guard let (folder, why) = own.problem(hasData: manifest.permissions.data != nil, hidden: hidden) else { return }
    throw AgentFailure(.startFailed, "agent '\(manifest.id)' cannot run there: \(folder) \(why)")
  }

  /// What no agent sees.
  private var hidden: [String] { sockets + [home, data.path] }

  /// Agents run as a user of their own where the daemon is root, or systemd starts the launcher: that user has to reach
  /// what the agent needs. Elsewhere they are the daemon's own user, for whom its sockets are open.
  private func checkAccess(_ program: String, of manifest: Manifest) throws(AgentFailure) {
    let own = OwnFolders(manifest, program: program)
    try Self.checkFolders(own, of: manifest, hidden: hidden)
    guard launcher.hasOwnUser else {
      let shown = ShownPaths(of: manifest, folders: own.all, hidden: hidden)
      return try Access.check(shown, sockets: sockets, of: manifest)
    }
    let plugins = try plugins.plugins(of: manifest).compactMap { try? Files.resolve($0.path) }
    try Access.check([program] + own.all + plugins, of: manifest)
  }

  /// The launcher's process, if this daemon has started it and it runs.
  package var launcherProcess: Int32? { launcher.process }

  /// The proxy's process, likewise.
  package var proxyProcess: Int32? { proxy.process }

  /// Ends the launcher, and so all agents that still run, and the proxy.
  package func close() {
    launcher.close()
    proxy.close()
  }

  private static func path(ofProgramOf manifest: Manifest) throws(AgentFailure) -> String {
    let entry = manifest.runtime.entry
    guard manifest.mind != nil, entry == Mind.program else {
      return Files.join(Files.folder(of: manifest.file), entry)
    }
    guard let path = CompanionProgram.find(entry) else {
      throw AgentFailure(
        .startFailed,
        "agent '\(manifest.id)' thinks with a model (cognition), for which \(entry) has to be installed beside the daemon"
      )
    }
    return path
  }

  /// The program's path.
  /// - Throws: when it is missing or cannot be executed.
  static func program(of manifest: Manifest) throws(AgentFailure) -> String {
    guard manifest.runtime.driver == .process else {
      throw AgentFailure(.startFailed, "runtime.driver is '\(manifest.runtime.driver.rawValue)', not 'process'")
    }
    guard !manifest.runtime.entry.isEmpty else {
      throw AgentFailure(
        .startFailed, "agent '\(manifest.id)' cannot run: its manifest has neither 'runtime' nor 'cognition'")
    }
    let path = try path(ofProgramOf: manifest)
    let whose = "the program of agent '\(manifest.id)'"
    guard Files.isFile(path) else {
      throw AgentFailure(.startFailed, "\(whose) cannot be used: there is no file \(path)")
    }
    let (mode, resolved): (UInt32, String)
    do throws(SystemError) {
      (mode, resolved) = (try FileStatus(path).mode, try Files.resolve(path))
    } catch {
      throw AgentFailure(.startFailed, "\(whose) cannot be used: \(error)")
    }
    guard mode & 0o111 != 0 else {
      throw AgentFailure(.startFailed, "\(whose) is not executable: chmod +x \(path)")
    }
    if let problem = ProgramFile.problem(with: resolved) {
      throw AgentFailure(.startFailed, "\(whose) cannot be used: \(problem)")
    }
    return resolved
  }
}

extension Isolation {
  /// How strictly budgets are enforced with the control groups that the launcher has.
  func limited(by facts: LauncherFacts?) -> Isolation {
    guard let facts else { return self }
    var isolation = self
    if !facts.controllers.contains(.cpu) {
      isolation.cpu = .afterwards(
        "there is no control group with the cpu controller; CPU time is measured every second")
    }
    if !facts.controllers.contains(.memory) {
      isolation.memory = .afterwards(
        "there is no control group with the memory controller; each process is limited, their sum is measured")
    }
    return isolation
  }
}
