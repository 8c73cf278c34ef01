import Agent
import EventLoop
import LauncherClient
import Linux
import Model
import Plugins

/// Runs agents in containers of podman. They speak the protocol of process agents, and are started, limited and ended
/// like those.
package final class ContainerDriver: AgentDriver {
  private let loop: EventLoop
  private let launcher: LauncherLink
  private let plugins: PluginStore
  private let hidden: [String]
  private let images: String?
  private let limits: ProcessLimits
  private let starting = StartingInstances()

  /// Creates a driver. Starts nothing yet.
  /// - Parameters:
  ///   - home: `$OPENSTARRY_HOME`, which no agent sees.
  ///   - plugins: the plugins of agents.
  ///   - sockets: the daemon's sockets, which no agent may reach.
  ///   - launcher: shared with the driver of process agents.
  ///   - images: the folder of the images; nil is `$OPENSTARRY_IMAGES`, or the usual one.
  ///   - limits: time limits, and the limits of agents without a budget.
  package init(
    _ loop: EventLoop, home: String, plugins: PluginStore, sockets: [String] = [], launcher: LauncherLink,
    images: String? = nil, limits: ProcessLimits = .container
  ) {
    self.loop = loop
    self.launcher = launcher
    self.plugins = plugins
    self.images = images
    self.limits = limits
    hidden = sockets + [home]
  }

  /// The properties of this isolation.
  package static let isolation = Isolation(
    .docker, entry: "the image's name",
    check: { manifest throws(AgentFailure) in _ = try image(of: manifest) })

  package var isolation: Isolation { Self.isolation.limited(by: launcher.facts) }

  package func validate(_ manifest: Manifest) throws(AgentFailure) {
    _ = try Self.image(of: manifest)
    try checkAccess(try plugins.plugins(of: manifest), of: manifest)
    if let absence = launcher.absence { throw AgentFailure(.startFailed, absence) }
    _ = try ContainerEngine.find(images: images)
  }

  package func inForce(_ manifest: Manifest) -> Budget { limits.inForce(manifest) }

  package func start(
    _ manifest: Manifest, host: any AgentHost, ended: @escaping (AgentEnd) -> Void,
    _ done: @escaping (Result<any AgentInstance, AgentFailure>) -> Void
  ) {
    do throws(AgentFailure) {
      let plugins = try plugins.plugins(of: manifest)
      try checkAccess(plugins, of: manifest)
      let container = Container(
        manifest, image: try Self.image(of: manifest), plugins: plugins, hidden: hidden, limits: limits,
        engine: try ContainerEngine.find(images: images))
      let instance = ProcessInstance(
        manifest, limits, host: host, loop: loop, launcher: launcher, ended: ended,
        started: starting.started(manifest.id, done))
      instance.plugins = plugins
      starting.add(instance, of: manifest.id)
      try instance.start(container.confinement, limits.limits(of: manifest, inForce(manifest)))
    } catch {
      starting.remove(manifest.id)
      done(.failure(error))
    }
  }

  package func cancelStart(of agent: AgentID) -> Bool { starting.cancel(agent) }

  /// The launcher's user has to reach the plugins.
  private func checkAccess(_ plugins: [InstalledPlugin], of manifest: Manifest) throws(AgentFailure) {
    guard launcher.hasOwnUser else { return }
    for path in plugins.compactMap({ try? Files.resolve($0.path) }) {
      guard let obstacle = Access.obstacle(to: path) else { continue }
      throw Access.failure(of: manifest, obstacle)
    }
  }

  /// The image's name.
  /// - Throws: when it is none, or the manifest asks for what containers do not have.
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
    try manifest.refuseNetwork()
    return name
  }
}
