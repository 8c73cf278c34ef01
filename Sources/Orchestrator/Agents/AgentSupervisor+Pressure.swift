import Agent
import Model

// What is done with agents when the board is short of memory or CPU, and what a watchdog asks.
extension AgentSupervisor {
  /// Ends an agent, and starts it for nobody before `restore`.
  /// - Parameter reason: for whoever wants it to run, e.g. `the board is short of memory`.
  public func shed(_ id: AgentID, _ reason: String) {
    guard let record = records[id] else { return }
    record.shedReason = reason
    feed(record, .shed(.pressure), cause: nil)
  }

  /// It may run again; one whose lifecycle is `always` is started.
  public func restore(_ id: AgentID) {
    guard let record = records[id], record.shedReason != nil else { return }
    record.shedReason = nil
    startResident([id])
  }

  /// The agents that run, and how important each is.
  public var running: [(agent: AgentID, priority: Priority)] {
    sorted.filter(\.isLive).map { ($0.id, $0.manifest.policy.priority) }
  }

  /// Holds back what waits for agents of the priority `background`, or does not any more.
  public func throttle(_ isOn: Bool) {
    isThrottled = isOn
    if !isOn { for record in sorted where !record.queue.isEmpty { feed(record, .deliver, cause: nil) } }
  }

  /// Lets one delivery through to each agent that is held back.
  public func letOneThrough() {
    for record in sorted where isHeld(record) && !record.queue.isEmpty {
      record.allowance = 1
      feed(record, .deliver, cause: nil)
    }
  }

  func isHeld(_ record: AgentRecord) -> Bool { isThrottled && record.manifest.policy.priority == .background }

  /// What waits for agents that could take it now, and how much has been taken: a queue that does not move is stuck.
  public var progress: (waiting: Int, taken: UInt64) {
    let waiting = records.values.reduce(0) { sum, record in
      record.lifecycle.state == .ready && !isHeld(record) && record.throttleTimer == nil
        ? sum + record.queue.count : sum
    }
    return (waiting, taken)
  }
}
