import Agent
import EventLoop
import LauncherClient
import Linux
import Model
import Plugins
import ProxyClient

/// Runs agents in containers, of podman or of a Docker engine. They speak the protocol of process agents, and are started,
/// limited and ended like those.
package final class ContainerDriver: AgentDriver {
  private let launcher: LauncherLink
  private let plugins: PluginStore
  private let home: String
  private let sockets: [String]
  private let data: DataFolders
  private let images: String?
  private let docker: DockerEngine?
  private let limits: ProcessLimits
  private let starts: ProgramStarts

  /// Creates a driver. Starts nothing yet.
  /// - Parameters:
  ///   - home: `$OPENSTARRY_HOME`, which no agent sees.
  ///   - plugins: the plugins of agents.
  ///   - sockets: the daemon's sockets, which no agent may reach.
  ///   - launcher: shared with the driver of process agents.
  ///   - proxy: connects agents to the hosts of their manifests, shared likewise; nil for one of this driver's own.
  ///   - images: the folder of the images; nil is `$OPENSTARRY_IMAGES`, or the usual one.
  ///   - docker: the Docker engine that runs them; nil for podman.
  ///   - data: the folder for those of agents; nil for the usual one.
  ///   - limits: time limits, and the limits of agents without a budget.
  package init(
    _ loop: EventLoop, home: String, plugins: PluginStore, sockets: [String] = [], launcher: LauncherLink,
    proxy: ProxyLink? = nil, images: String? = nil, docker: DockerEngine? = nil, data: String? = nil,
    limits: ProcessLimits = .container
  ) {
    self.launcher = launcher
    self.plugins = plugins
    self.images = images
    self.limits = limits
    self.home = home
    self.sockets = sockets
    self.docker = docker
    self.data = DataFolders(data, home: home, launcher)
    starts = ProgramStarts(limits, on: loop, launcher: launcher, proxy: proxy ?? ProxyLink(loop))
  }

  /// The properties of this isolation.
  package static let isolation = Isolation(
    .docker, entry: "the image's name",
    check: { manifest throws(AgentFailure) in _ = try image(of: manifest) })

  /// A Docker engine enforces limits itself.
  package var isolation: Isolation { docker == nil ? Self.isolation.limited(by: launcher.facts) : Self.isolation }

  package func validate(_ manifest: Manifest) throws(AgentFailure) {
    _ = try Self.image(of: manifest)
    try checkAccess(try plugins.plugins(of: manifest), of: manifest)
    try starts.checkCompanions(for: manifest)
    try data.check(manifest)
    if let docker { try docker.check(manifest) } else { _ = try ContainerEngine.find(images: images) }
  }

  package func inForce(_ manifest: Manifest) -> Budget { limits.inForce(manifest) }

  package func start(
    _ manifest: Manifest, host: any AgentHost, ended: @escaping (AgentEnd) -> Void,
    _ done: @escaping (Result<any AgentInstance, AgentFailure>) -> Void
  ) {
    starts.start(manifest, host: host, ended: ended, done) { () throws(AgentFailure) in
      let plugins = try plugins.plugins(of: manifest)
      try checkAccess(plugins, of: manifest)
      let image = try Self.image(of: manifest)
      if let docker {
        let container = DockerContainer(
          manifest, image: image, socket: docker.socket, folder: docker.folder, plugins: plugins, hidden: hidden,
          data: data.folder(of: manifest), limits: limits.limits(of: manifest, limits.inForce(manifest)))
        return (container.confinement, plugins)
      }
      let container = Container(
        manifest, image: image, plugins: plugins, hidden: hidden, data: data.folder(of: manifest), limits: limits,
        engine: try ContainerEngine.find(images: images))
      return (container.confinement, plugins)
    }
  }

  package func cancelStart(of agent: AgentID) { starts.cancel(agent) }

  /// What no agent sees.
  private var hidden: [String] { sockets + [home, data.path] }

  /// The launcher's user has to reach the plugins, and the agent must not reach the daemon's sockets.
  private func checkAccess(_ plugins: [InstalledPlugin], of manifest: Manifest) throws(AgentFailure) {
    guard launcher.hasOwnUser else {
      return try Access.check(ShownPaths(of: manifest, hidden: hidden), sockets: sockets, of: manifest)
    }
    try Access.check(plugins.compactMap { try? Files.resolve($0.path) }, of: manifest)
  }

  /// The image's name.
  /// - Throws: when it is none.
  static func image(of manifest: Manifest) throws(AgentFailure) -> String {
    guard manifest.runtime.driver == .docker else {
      throw AgentFailure(.startFailed, "runtime.driver is '\(manifest.runtime.driver.rawValue)', not 'docker'")
    }
    let name = manifest.runtime.entry
    let isName = name.utf8.allSatisfy { byte in
      byte | 32 >= 0x61 && byte | 32 <= 0x7A || byte >= 0x2D && byte <= 0x3A || byte == 0x5F || byte == 0x40
    }
    // An option of podman begins with a minus sign.
    guard isName, !name.isEmpty, !name.hasPrefix("-"), name.utf8.count <= 255 else {
      throw AgentFailure(
        .startFailed, "'\(name)' of agent '\(manifest.id)' is not the name of an image, such as localhost/thermostat:1")
    }
    return name
  }
}
