import Agent
import AgentInProcess
import AgentProcess
import AgentWASM
import EventLoop
import LauncherClient
import Model
import Plugins
import ProxyClient

/// The isolations of this release. To add one, add a line to `all`.
package enum Isolations {
  private static let all: [(isolation: Isolation, driver: @Sendable (DriverSite) -> (any AgentDriver)?)] = [
    (InProcessDriver.isolation, { InProcessDriver(types: $0.types, witness: $0.witness) }),
    (
      WASMDriver.isolation,
      {
        WASMDriver($0.loop, folder: $0.modules, plugins: $0.plugins, compiler: $0.program, witness: $0.witness)
      }
    ),
    // Its processes need the kernel's time; a campaign in virtual time has none.
    (
      ProcessDriver.isolation,
      { site in
        site.launcher.map {
          ProcessDriver(
            $0.loop, home: site.home, plugins: site.plugins, sockets: site.sockets, launcher: $0, proxy: site.proxy)
        }
      }
    ),
    (
      ContainerDriver.isolation,
      { site in
        site.launcher.map { launcher in
          ContainerDriver(
            launcher.loop, home: site.home, plugins: site.plugins, sockets: site.sockets, launcher: launcher,
            proxy: site.proxy, docker: site.docker.map { DockerEngine(socket: $0, home: site.home, launcher) })
        }
      }
    ),
  ]

  /// The properties of every isolation in this release.
  package static let known: [Isolation] = all.map(\.isolation)

  /// The properties of one isolation; nil when this release does not have it.
  package static func of(_ driver: Manifest.Driver) -> Isolation? { known.first { $0.kind == driver } }

  /// What the settings' Docker engine cannot do for an agent, in a sentence with the remedy; nil for nothing.
  package static func engineObstacle(to manifest: Manifest) -> String? { DockerEngine.obstacle(to: manifest) }

  /// Makes one driver for each isolation that is possible there.
  package static func drivers(_ site: DriverSite) -> [any AgentDriver] { all.compactMap { $0.driver(site) } }

  /// Makes a driver for one isolation; nil when this release does not have it.
  package static func driver(_ kind: Manifest.Driver, _ site: DriverSite) -> (any AgentDriver)? {
    all.first { $0.isolation.kind == kind }.flatMap { $0.driver(site) }
  }
}

/// The environment that drivers are made in. Each driver uses the parts that it needs.
package struct DriverSite {
  /// The loop that the drivers run on.
  package var loop: any Loop
  /// `$OPENSTARRY_HOME`.
  package var home: String
  /// The folder for compiled modules. No other user may be able to write to it, because its contents are executed.
  package var modules: String
  /// A program that calls `ModuleCompiler.runIfAsked` first of all; by default this program.
  package var program: String
  /// The agents that are linked into the program.
  package var types: [AgentType]
  /// Observes when an agent's code runs inside the program; nil for none.
  package var witness: (any CodeWitness)?
  /// The daemon's sockets, which no agent may reach.
  package var sockets: [String] = []
  /// The socket of the Docker engine that runs containers; nil for podman.
  package var docker: String?
  /// The plugins of agents.
  package var plugins: PluginStore
  /// Starts programs and containers, for all drivers; nil in virtual time. systemd runs one for each daemon.
  package var launcher: LauncherLink?
  /// Connects their agents to the hosts of their manifests, likewise.
  package var proxy: ProxyLink?

  /// - Parameters:
  ///   - home: `$OPENSTARRY_HOME`.
  ///   - modules: the folder for compiled modules.
  ///   - program: a program that calls `ModuleCompiler.runIfAsked` first of all; by default this program.
  ///   - types: the agents that are linked into the program.
  ///   - witness: observes when an agent's code runs inside the program; nil for none.
  package init(
    _ loop: any Loop, home: String, modules: String, program: String = "/proc/self/exe", types: [AgentType] = [],
    witness: (any CodeWitness)? = nil
  ) {
    self.loop = loop
    launcher = (loop as? EventLoop).map { LauncherLink($0) }
    proxy = (loop as? EventLoop).map { ProxyLink($0) }
    self.home = home
    plugins = PluginStore(home: home)
    self.modules = modules
    self.program = program
    self.types = types
    self.witness = witness
  }
}
