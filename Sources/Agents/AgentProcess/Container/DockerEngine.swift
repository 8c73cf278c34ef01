import Agent
import LauncherClient
import Linux
import Model

/// A Docker engine that runs the containers of agents instead of podman. Who may command it is root on this machine, and
/// the launcher may: the owner of a board chooses that in the settings and in a drop-in of the launcher's unit.
package struct DockerEngine: Sendable {
  /// The path of its socket.
  package let socket: String
  /// Where the launcher makes a folder for each agent's socket.
  let folder: String

  /// The folder that the package makes (tmpfiles.d(5)).
  package static let usualFolder = "/run/openstarry-docker"

  /// - Parameters:
  ///   - socket: the path of its socket.
  ///   - folder: where the launcher makes a folder for each agent's socket; nil for `usualFolder`, or `docker` in `home` if
  ///     the launcher runs as the daemon's user.
  ///   - home: `$OPENSTARRY_HOME`.
  package init(socket: String, folder: String? = nil, home: String, _ launcher: LauncherLink) {
    self.socket = Files.join(Files.resolveExisting("."), socket)
    let folder = folder ?? (launcher.hasOwnUser ? Self.usualFolder : "\(home)/docker")
    self.folder = Files.join(Files.resolveExisting("."), folder)
  }

  /// What no Docker engine can do for an agent, in a sentence with the remedy; nil for nothing.
  package static func obstacle(to manifest: Manifest) -> String? {
    guard manifest.runtime.driver == .docker, !manifest.permissions.hosts.isEmpty else { return nil }
    return
      "agent '\(manifest.id)' lists hosts (network_allow_hosts), which it cannot reach from a container of a Docker "
      + "engine: use podman (no 'docker' in the settings), or the driver 'process'"
  }

  /// An engine that is away is no obstacle: it may come back, and then the agent starts.
  /// - Throws: what an engine cannot do for an agent, or what is missing.
  func check(_ manifest: Manifest) throws(AgentFailure) {
    if let obstacle = Self.obstacle(to: manifest) { throw AgentFailure(.startFailed, obstacle) }
    let isPlain = folder.utf8.allSatisfy { byte in
      byte | 32 >= 0x61 && byte | 32 <= 0x7A || byte >= 0x2D && byte <= 0x39 || byte == 0x5F
    }
    guard isPlain else {
      throw AgentFailure(
        .startFailed,
        "agents in containers of a Docker engine need a home whose path has only letters, digits, '.', '_', '-': \(folder)"
      )
    }
    if folder != Self.usualFolder { try? Files.makeFolder(folder) }
    guard Files.isFolder(folder) else {
      throw AgentFailure(
        .startFailed,
        "there is no \(folder): the package makes it; without the package: sudo install -d -m 700 -o USER \(folder), where "
          + "USER is openstarry-agents, or nobody if there is no such user")
    }
  }
}
