import Model
import Store

/// The registry of a run that leaves nothing behind: agents' durable values in memory, under the same limits as on disk.
public final class MemoryRegistry: AgentRegistry {
  /// Every agent's durable values.
  public private(set) var states: [AgentID: Fields] = [:]

  /// A registry with values of an earlier run.
  public init(states: [AgentID: Fields] = [:]) { self.states = states }

  public func keep(_ changes: [RegistryChange]) throws(RegistryFailure) {
    do throws(StoreError) {
      for change in changes { try StoreChange(change).check() }
    } catch {
      throw RegistryFailure(error.description)
    }
    for change in changes {
      switch change {
      case .agent, .cooldown, .ledger: break
      case .removal(let agent): states[agent] = nil
      case .state(let agent, let key, let value): states[agent, default: [:]][key] = value
      }
    }
  }
}
