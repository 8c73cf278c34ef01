import Agent
import Linux
import Model

/// A module that came with a manifest.
struct HandedModule {
  /// Where the daemon has stored it.
  var path: String
  /// The file that the client has read: people know only this one.
  var original: String
}

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

  /// Removes a module that was refused, and the agent's folder when that is empty then.
  /// - Parameter path: what `keep` has returned.
  func discard(_ path: String) {
    Files.remove(path)
    Files.removeFolder(Files.folder(of: path))
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

extension AgentControlError {
  /// The same error, with another name for a file in the sentences of drivers.
  func calling(_ path: String, _ name: String) -> AgentControlError {
    switch self {
    case .cannotRun(let agent, let why): .cannotRun(agent, why.writing(name, for: path))
    case .turnedBack(let agent, let outcome): .turnedBack(agent, outcome.writing(name, for: path))
    default: self
    }
  }
}

extension String {
  /// The text with `other` wherever it has `part`, compared byte by byte.
  fileprivate func writing(_ other: String, for part: String) -> String {
    var bytes: [UInt8] = []
    var rest = Substring(self).utf8
    while let first = rest.first {
      if rest.starts(with: part.utf8) {
        bytes += other.utf8
        rest = rest.dropFirst(part.utf8.count)
      } else {
        bytes.append(first)
        rest = rest.dropFirst()
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
