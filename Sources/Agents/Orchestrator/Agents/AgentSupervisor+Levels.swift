import HAL
import Model

// Levels that agents have missed.
extension AgentSupervisor {
  /// Tells a new agent the current levels of the inputs and sensors that it subscribes to.
  func repeatLevels(to id: AgentID) {
    events.address(.agents([id])) {
      shared.hardware.repeatLevels { subscribers.subscribers(to: $0).contains(id) }
    }
  }

  /// Tells agents the current levels that they missed while they did not run or were paused.
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
}
