import Linux
import Model

/// The modules that clients hand over with a manifest, in the daemon's home: `registered/<agent>/<when>.wasm`.
///
/// A client's files may stand where the daemon cannot see them: in a home folder, or in root's.
struct HandedModules {
  private let folder: String

  /// - Parameter home: the daemon's own folder.
  init(home: String) { folder = Files.join(home, "registered") }

  /// Writes a module down.
  /// - Parameters:
  ///   - agent: whose; its id is well-formed.
  ///   - now: makes its name one that no earlier version had.
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

  /// Removes every module of an agent but the one that is in use, and the folder when none is.
  func tidy(_ agent: AgentID, except used: String?) {
    let folder = self.folder(of: agent)
    for name in (try? Files.names(in: folder)) ?? [] where "\(folder)/\(name)" != used {
      Files.remove("\(folder)/\(name)")
    }
    Files.removeFolder(folder)
  }

  /// Without links and from the root: a manifest's relative paths start elsewhere.
  private func folder(of agent: AgentID) -> String {
    let path = Files.join(folder, agent.rawValue)
    return (try? Files.resolve(path)) ?? path
  }
}
