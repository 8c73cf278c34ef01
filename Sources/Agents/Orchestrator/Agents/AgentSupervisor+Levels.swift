import HAL
import Model

// Levels that agents were not there to see.
extension AgentSupervisor {
  /// Tells an agent how the inputs and sensors are that it subscribes to: it was not there when that was said.
  func repeatLevels(to id: AgentID) {
    events.address(.agents([id])) {
      shared.hardware.repeatLevels { subscribers.subscribers(to: $0).contains(id) }
    }
  }

  /// Tells those who have missed how a device is, as they were not there, or nobody was woken.
  func repeatMissedLevels(to agents: [ManagedAgent]) {
    guard !isPaused else { return }
    var missed: [String: Set<AgentID>] = [:]
    for agent in agents {
      for type in agent.takeMissedLevels() { missed[type, default: []].insert(agent.id) }
    }
    for (type, ids) in missed.sorted(by: { $0.key < $1.key }) {
      let subscribed = ids.intersection(subscribers.subscribers(to: type))
      if !subscribed.isEmpty { events.address(.agents(subscribed)) { shared.hardware.repeatLevels { $0 == type } } }
    }
  }

  /// Whether there is such an agent.
  func isRegistered(_ id: AgentID) -> Bool { agents[id] != nil }
}
