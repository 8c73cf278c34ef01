import Model

/// The services that agents offer, by name. They are kept in memory only: whoever offers one registers it again after a
/// restart of the daemon.
package final class ServiceDirectory {
  /// A service of one agent.
  package struct Entry {
    /// The service's name.
    package var name: String
    /// The agent that offers it.
    package var agent: AgentID
    /// What the agent says about it.
    package var metadata: Fields
    /// Wall time, in milliseconds since 1970.
    package var time: UInt64
  }

  /// The most entries, of all agents together.
  package static let most = 256
  /// The most bytes of an entry's metadata as JSON.
  package static let longestMetadata = 1024

  private var entries: [Entry] = []

  /// Without services.
  package init() {}

  /// Adds an entry, or replaces the agent's entry of the same name.
  /// - Parameter isRegistered: whether there still is such an agent. Services of others are forgotten.
  /// - Returns: false when there are too many.
  func register(_ entry: Entry, where isRegistered: (AgentID) -> Bool) -> Bool {
    entries.removeAll { $0.name.isSame(as: entry.name) && $0.agent == entry.agent || !isRegistered($0.agent) }
    guard entries.count < Self.most else { return false }
    entries.append(entry)
    return true
  }

  /// Forgets what an agent offers.
  func forget(_ agent: AgentID) { entries.removeAll { $0.agent == agent } }

  /// The services of registered agents, in the order of their registration.
  /// - Parameters:
  ///   - name: only those of this name; nil for all.
  ///   - isRegistered: whether there still is such an agent. Services of others are forgotten.
  func list(_ name: String?, where isRegistered: (AgentID) -> Bool) -> [Entry] {
    entries.removeAll { !isRegistered($0.agent) }
    return entries.filter { entry in name.map { entry.name.isSame(as: $0) } ?? true }
  }
}
