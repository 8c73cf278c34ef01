import Model
import Store

/// A registry without a disk: durable values in memory, with the same limits as on the disk.
package final class MemoryRegistry: AgentRegistry {
  /// The durable values of every agent.
  package private(set) var states: [AgentID: Fields] = [:]

  /// A registry with the values of an earlier run.
  package init(states: [AgentID: Fields] = [:]) { self.states = states }

  package func keep(_ changes: [RegistryChange]) throws(RegistryFailure) {
    do throws(StoreError) {
      for change in changes { try StoreChange(change).check() }
    } catch {
      throw RegistryFailure(error.description, isOverLimit: true)
    }
    for change in changes {
      switch change {
      case .agent, .enabled, .cooldown, .count, .rule, .variable, .message, .suspension, .approval, .noEffect, .held,
        .ledger:
        break
      case .removal(let agent): states[agent] = nil
      case .state(let agent, let key, let value): states[agent, default: [:]][key] = value
      }
    }
  }

  package func flush(_ done: @escaping (Result<Void, RegistryFailure>) -> Void) { done(.success(())) }
}
