import Agent
import Model

// What agents tell of themselves, as rules ask for it: `state('agent')` is what an agent said when its last activation
// ended, whatever isolation it runs in.
extension AgentSupervisor {
  /// Has these agents, and no others, tell their state whenever an activation has ended.
  func askReports(of ids: [AgentID]) {
    let new = Set(ids).subtracting(reporters)
    reporters = Set(ids)
    for (id, agent) in agents { agent.isReporter = reporters.contains(id) }
    for id in new { agents[id]?.report() }
  }

  /// What an agent told last. One that nobody has asked before is asked from now on.
  func lastReport(_ id: AgentID) throws(AgentControlError) -> Value {
    let agent = try agent(id)
    if reporters.insert(id).inserted {
      agent.isReporter = true
      agent.report()
    }
    return agent.lastReport
  }

  /// Runs `action` when the activation of an agent that runs has ended and the agent has told its report; at once when
  /// none runs.
  func whenReported(_ id: AgentID, _ action: @escaping () -> Void) {
    guard let agent = agents[id] else { return action() }
    agent.whenReported(action)
  }
}
