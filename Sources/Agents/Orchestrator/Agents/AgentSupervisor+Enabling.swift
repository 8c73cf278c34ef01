import Agent
import Model

// Agents that somebody has disabled. They stay so over restarts of the daemon, until they are enabled.
extension AgentSupervisor {
  /// Disables the agents that were disabled before the daemon started; also those that are not registered yet.
  public func recallDisabled(_ ids: Set<AgentID>) {
    disabled.formUnion(ids)
    for id in ids {
      guard let agent = agents[id] else { continue }
      agent.isDisabled = true
      if agent.isLive { agent.feed(.kill(now: false), cause: nil) }
    }
  }

  public func setEnabled(_ id: AgentID, _ isEnabled: Bool, cause: Cause?) throws(AgentControlError) {
    let agent = try agent(id)
    guard agent.isDisabled == isEnabled else { return }
    try persist([.enabled(id, isEnabled)])
    if isEnabled { disabled.remove(id) } else { disabled.insert(id) }
    agent.isDisabled = !isEnabled
    events.publish(
      isEnabled ? AgentEvents.enabled(id) : AgentEvents.disabled(id), from: agent.source, cause: cause)
    if isEnabled {
      startResident([id])
      // The levels of its inputs and sensors may have changed meanwhile.
      if agent.lifecycle.accepts { repeatMissedLevels(to: [agent]) }
    } else {
      agent.missQueue()
      if agent.isLive { agent.feed(.kill(now: false), cause: cause) }
    }
  }
}
