import Linux
import Model

/// The modules that clients send with a manifest, in the daemon's home: `registered/<agent>/<when>.wasm`.
///
/// They are sent because a client's own files may be in a folder that the daemon cannot read, such as root's home.
struct HandedModules {
  private let folder: String

  /// - Parameter home: the daemon's own folder.
  init(home: String) { folder = Files.join(home, "registered") }

  /// Stores a module.
  /// - Parameters:
  ///   - agent: the agent that runs it; its id must be well-formed.
  ///   - now: wall time in milliseconds, for a name that no earlier version had.
  /// - Returns: its path.
  func keep(_ module: [UInt8], of agent: AgentID, at now: UInt64) throws(SystemError) -> String {
    try Files.makeFolder(folder(of: agent), mode: 0o700)
    let folder = self.folder(of: agent)
    var name = now
    while Files.exists("\(folder)/\(name).wasm") { name += 1 }
    let path = "\(folder)/\(name).wasm"
    try Files.replace(path, with: module, mode: 0o600)
    return path
  }

  /// Removes the modules of an agent except the one in use, and its folder when that is empty then.
  /// - Parameter used: its path; nil when none is in use.
  func tidy(_ agent: AgentID, except used: String?) {
    let folder = self.folder(of: agent)
    for name in (try? Files.names(in: folder)) ?? [] where "\(folder)/\(name)" != used {
      Files.remove("\(folder)/\(name)")
    }
    Files.removeFolder(folder)
  }

  /// The absolute path without links: relative paths in a manifest start at the manifest.
  private func folder(of agent: AgentID) -> String {
    let path = Files.join(folder, agent.rawValue)
    return (try? Files.resolve(path)) ?? path
  }
}
