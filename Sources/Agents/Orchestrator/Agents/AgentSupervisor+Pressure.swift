import Agent
import Model

// What is done with agents when the board is short of memory or CPU, and what a watchdog asks.
extension AgentSupervisor {
  /// Ends an agent, and starts it for nobody before `restore`.
  /// - Parameter reason: for whoever wants it to run, e.g. `the board is short of memory`.
  public func shed(_ id: AgentID, _ reason: String) {
    guard let agent = agents[id] else { return }
    agent.shedReason = reason
    agent.feed(.shed(.pressure), cause: nil)
  }

  /// It may run again; one whose lifecycle is `always` is started.
  public func restore(_ id: AgentID) {
    guard let agent = agents[id], agent.shedReason != nil else { return }
    agent.shedReason = nil
    startResident([id])
  }

  /// The agents that run, and how important each is.
  public var running: [(agent: AgentID, priority: Priority)] {
    sorted.filter(\.isLive).map { ($0.id, $0.manifest.policy.priority) }
  }

  /// Holds back what waits for agents of the priority `background`, or does not any more.
  public func throttle(_ isOn: Bool) {
    shared.isThrottled = isOn
    if !isOn { for agent in sorted where !agent.queue.isEmpty { agent.feed(.deliver, cause: nil) } }
  }

  /// Lets one delivery through to each agent that is held back.
  public func letOneThrough() {
    for agent in sorted where agent.isHeld && !agent.queue.isEmpty {
      agent.allowance = 1
      agent.feed(.deliver, cause: nil)
    }
  }

  /// What waits for agents that could take it now, and how much has been taken: a queue that does not move is stuck.
  public var progress: (waiting: Int, taken: UInt64) {
    let waiting = agents.values.reduce(0) { sum, agent in
      agent.lifecycle.state == .ready && !agent.isHeld && agent.throttleTimer == nil
        ? sum + agent.queue.count : sum
    }
    return (waiting, shared.taken)
  }
}
