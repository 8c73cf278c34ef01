import Agent
import Model

// What people and the control plane may do with agents.
extension AgentSupervisor: AgentControl {
  public func spawnAgent(_ id: AgentID, cause: Cause?) throws(AgentControlError) -> AgentStatus {
    let record = try record(id)
    if let reason = record.shedReason { throw .cannotRun(id, reason) }
    switch record.lifecycle.state {
    case .idle, .backoff: feed(record, .spawn, cause: cause)
    case .starting, .ready, .active: throw .alreadyRunning(id)
    case .draining, .stopping: throw .draining(id)
    case .quarantined: throw .quarantined(id, record.trouble)
    }
    return record.status(at: clock.now)
  }

  /// Starts an agent of lifecycle `always` that was ended: no event does, but a rule's `spawn`.
  func startResting(_ id: AgentID, cause: Cause?) {
    guard let record = records[id], record.shedReason == nil, record.lifecycle.state == .idle,
      !record.lifecycle.accepts
    else { return }
    feed(record, .spawn, cause: cause)
  }

  public func killAgent(
    _ id: AgentID, now: Bool, cause: Cause?, _ done: @escaping () -> Void
  ) throws(AgentControlError) {
    let record = try record(id)
    guard record.isLive else { throw .notRunning(id) }
    record.onEnd.append(done)
    feed(record, .kill(now: now), cause: cause)
  }

  public func restartAgent(_ id: AgentID, cause: Cause?) throws(AgentControlError) {
    let record = try record(id)
    if let reason = record.shedReason { throw .cannotRun(id, reason) }
    if record.lifecycle.state == .quarantined { quarantines?.release(id) }
    feed(record, .restart, cause: cause)
  }

  public func wakeAgent(_ id: AgentID, with event: Event) throws(AgentControlError) {
    try deliver(event, to: id, cause: Cause(event), count: 1, firing: nil, nil)
  }

  public func register(_ manifest: Manifest) throws(AgentControlError) {
    try check(manifest)
    try persist([.agent(manifest)])
    try adopt(manifest, state: records[manifest.id]?.state.values ?? [:])
    warnOfParents([manifest.id])
    events.publish(
      "agent:registered", from: "agent/\(manifest.id)",
      ["agent": .string(manifest.id.rawValue), "version": .string(manifest.version)])
  }

  public func unregister(_ id: AgentID) throws(AgentControlError) {
    guard !(try record(id).isLive) else { throw .alreadyRunning(id) }
    try persist([.removal(id)])
    forget(id)
    budgets.close(id)
    quarantines?.release(id)
    events.publish("agent:unregistered", from: "agent/\(id)", ["agent": .string(id.rawValue)])
  }

  public func listAgents() -> [AgentStatus] { sorted.map { $0.status(at: clock.now) } }

  public func agentStatus(_ id: AgentID) throws(AgentControlError) -> AgentStatus {
    try record(id).status(at: clock.now)
  }

  public func manifest(_ id: AgentID) throws(AgentControlError) -> Manifest { try record(id).manifest }

  public func logs(_ id: AgentID, last: Int) throws(AgentControlError) -> [LogLine] {
    try record(id).logs.last(last)
  }

  public func followLogs(
    _ id: AgentID?, _ onLine: @escaping (LogLine) -> Void
  ) throws(AgentControlError) -> FollowID {
    if let id { _ = try record(id) }
    return follow(id, onLine)
  }

  public func snapshot(_ id: AgentID, _ done: @escaping (Value) -> Void) throws(AgentControlError) {
    let record = try record(id)
    guard let instance = record.instance else { return done(record.lastSnapshot) }
    instance.snapshot { value in
      record.lastSnapshot = value
      done(value)
    }
  }

  /// Ends every agent, each within its grace time.
  /// - Parameter done: called once when none is left.
  public func shutDown(_ done: @escaping () -> Void) {
    isShutDown = true
    let live = sorted.filter { $0.isLive }
    // So that nothing wakes those that rest.
    for record in sorted where !record.isLive { feed(record, .shutdown, cause: nil) }
    var waiting = live.count
    guard waiting > 0 else { return done() }
    for record in live {
      record.onEnd.append {
        waiting -= 1
        if waiting == 0 { done() }
      }
      feed(record, .shutdown, cause: nil)
    }
  }
}
