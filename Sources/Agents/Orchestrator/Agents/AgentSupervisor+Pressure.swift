import Agent
import Model

// Measures for a board that is short of memory or CPU, and figures for the watchdog.
extension AgentSupervisor {
  /// Stops an agent, and refuses to start it until `restore`.
  /// - Parameter reason: shown to anybody who wants it to run, e.g. `the board is short of memory`.
  package func shed(_ id: AgentID, _ reason: String) {
    guard let agent = agents[id] else { return }
    agent.shedReason = reason
    agent.feed(.end(.pressure), cause: nil)
  }

  /// Lets an agent run again. One of lifecycle `always` is started.
  package func restore(_ id: AgentID) {
    guard let agent = agents[id], agent.shedReason != nil else { return }
    agent.shedReason = nil
    startResident([id])
  }

  /// The running agents with their priorities.
  package var running: [(agent: AgentID, priority: Priority)] {
    sorted.filter(\.isLive).map { ($0.id, $0.manifest.policy.priority) }
  }

  /// Holds deliveries for agents of priority `background` back, or no longer.
  package func throttle(_ isOn: Bool) {
    shared.isThrottled = isOn
    if !isOn { for agent in sorted where !agent.queue.isEmpty { agent.feed(.deliver, cause: nil) } }
  }

  /// Lets one delivery through to each agent that is held back.
  package func letOneThrough() {
    for agent in sorted where agent.isHeld && !agent.queue.isEmpty {
      agent.allowance = 1
      agent.feed(.deliver, cause: nil)
    }
  }

  /// How many deliveries wait that agents could take now, and how many were taken so far. A queue that does not move is
  /// stuck.
  package var progress: (waiting: Int, taken: UInt64) {
    let waiting = agents.values.reduce(0) { sum, agent in
      agent.lifecycle.state == .ready && !agent.isHeld && agent.throttleTimer == nil
        ? sum + agent.queue.count : sum
    }
    return (waiting, shared.taken)
  }
}
