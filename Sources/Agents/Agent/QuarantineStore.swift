import Model

/// Stores which agents are quarantined, so that the quarantine survives a restart of the daemon.
package protocol QuarantineStore: AnyObject {
  /// Why an agent is quarantined; nil when it is not.
  func quarantine(of agent: AgentID) -> AgentFailure?

  /// Quarantines an agent. An agent that is already quarantined keeps its first reason.
  func quarantine(_ agent: AgentID, for failure: AgentFailure)

  /// Ends a quarantine: a person released the agent, or it was unregistered. Does nothing when it is not quarantined.
  func release(_ agent: AgentID)
}
