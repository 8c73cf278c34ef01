import Agent
import Model

// Agents' reports for rules: `state('agent')` is the report at the end of the agent's last activation, in every
// isolation.
extension AgentSupervisor {
  /// Has exactly these agents report after each activation.
  func askReports(of ids: [AgentID]) {
    let new = Set(ids).subtracting(reporters)
    reporters = Set(ids)
    for (id, agent) in agents { agent.isReporter = reporters.contains(id) }
    for id in new { agents[id]?.report() }
  }

  /// The last report of an agent. An agent that was never asked before reports from now on.
  func lastReport(_ id: AgentID) throws(AgentControlError) -> Value {
    let agent = try agent(id)
    if reporters.insert(id).inserted {
      agent.isReporter = true
      agent.report()
    }
    return agent.lastReport
  }

  /// Runs `action` when the current activation of an agent has ended and its report is there; at once without an
  /// activation.
  func whenReported(_ id: AgentID, _ action: @escaping () -> Void) {
    guard let agent = agents[id] else { return action() }
    agent.whenReported(action)
  }
}
