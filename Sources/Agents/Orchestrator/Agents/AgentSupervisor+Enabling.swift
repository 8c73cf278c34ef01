import Agent
import Model

// Agents that somebody has disabled. They stay so, over restarts of the daemon and while they are not registered, until
// they are enabled.
extension AgentSupervisor {
  /// Disables the agents that were disabled before the daemon started; also those that are not registered yet.
  package func recallDisabled(_ ids: Set<AgentID>) {
    disabled.formUnion(ids)
    for id in ids {
      guard let agent = agents[id] else { continue }
      agent.isDisabled = true
      pause(agent, nil)
    }
  }

  package func setEnabled(_ id: AgentID, _ isEnabled: Bool, cause: Cause?) throws(AgentControlError) {
    // Also one that cannot run, or that safe mode has left out: who ended the daemon must not run after it.
    if agents[id] == nil, unusable[id] == nil, !isPartial || !id.isWellFormed, !disabled.contains(id) {
      _ = try agent(id)
    }
    guard disabled.contains(id) == isEnabled else { return }
    try persist([.enabled(id, isEnabled)])
    if isEnabled { disabled.remove(id) } else { disabled.insert(id) }
    events.publish(
      isEnabled ? AgentEvents.enabled(id) : AgentEvents.disabled(id), from: "agent/\(id)", cause: cause)
    guard let agent = agents[id] else { return }
    agent.isDisabled = !isEnabled
    if isEnabled { resume(agent) } else { pause(agent, cause) }
  }

  private func resume(_ agent: ManagedAgent) {
    if agent.isLive {
      // It is still ending. Later, outside of the handlers of its end.
      agent.onEnd.append { [unowned self] in
        clock.schedule(after: .zero) { [unowned self] in
          startResident([agent.id])
          startWaiting(for: agent.id)
        }
      }
      return
    }
    startResident([agent.id])
    startWaiting(for: agent.id)
    // The levels of its inputs and sensors may have changed meanwhile.
    if agent.lifecycle.accepts { repeatMissedLevels(to: [agent]) }
  }

  private func pause(_ agent: ManagedAgent, _ cause: Cause?) {
    agent.missQueue()
    _ = agent.endTimers()
    _ = families.stopWaiting(agent.id)
    if agent.isLive { return agent.feed(.kill(now: false), cause: cause) }
    stopChildren(of: agent, cause)
    startSiblings(of: agent, cause)
  }
}
