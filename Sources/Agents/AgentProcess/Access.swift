import Agent
import Linux
import Model

/// What users without special rights may reach.
enum Access {
  /// Throws when an agent that has the daemon's own user would see a socket of the daemon, which is open for that user.
  static func check(_ shown: ShownPaths, sockets: [String], of manifest: Manifest) throws(AgentFailure) {
    guard let socket = sockets.compactMap({ try? Files.resolve($0) }).first(where: shown.shows) else { return }
    throw AgentFailure(
      .startFailed,
      "agent '\(manifest.id)' would see \(socket), a socket of the daemon, in a folder that its manifest shows it: "
        + "move the socket, or the agent")
  }

  /// Throws when the launcher's user may not use a file that an agent needs.
  /// - Parameter paths: absolute, without links.
  static func check(_ paths: [String], of manifest: Manifest) throws(AgentFailure) {
    for path in paths {
      guard let obstacle = obstacle(to: path) else { continue }
      throw AgentFailure(
        .startFailed,
        "agents run as a user of their own, who may not use what agent '\(manifest.id)' needs: \(obstacle)")
    }
  }

  /// The first folder on the way that others may not enter, or the file if they may not read and execute it.
  /// - Parameter path: absolute, without links.
  /// - Returns: a sentence with the remedy; nil when they may.
  static func obstacle(to path: String) -> String? {
    var place = ""
    let parts = Files.parts(of: path)
    for (index, part) in parts.enumerated() {
      place += "/\(part)"
      let isFile = index == parts.count - 1
      let wanted: UInt32 = isFile ? 0o005 : 0o001
      guard let mode = (try? FileStatus(place))?.mode, mode & wanted != wanted else { continue }
      let octal = String(mode & 0o7777, radix: 8)
      return "\(place) has mode \(octal): chmod o+\(isFile ? "rx" : "x") \(place), or move the agent elsewhere"
    }
    return nil
  }
}
