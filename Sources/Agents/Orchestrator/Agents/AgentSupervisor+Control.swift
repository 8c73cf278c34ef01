import Agent
import Model

// The control plane's operations on agents.
extension AgentSupervisor: AgentControl {
  package func spawnAgent(_ id: AgentID, cause: Cause?) throws(AgentControlError) -> AgentStatus {
    let agent = try agent(id)
    if agent.isDisabled { throw .disabled(id) }
    try checkObstacles(agent)
    if agent.isLeaving { throw .draining(id) }
    switch agent.lifecycle.state {
    case .idle, .backoff: agent.feed(.spawn, cause: cause)
    case .starting, .ready, .active: throw .alreadyRunning(id)
    case .draining, .stopping: throw .draining(id)
    case .quarantined: throw .quarantined(id, agent.trouble)
    }
    return agent.status(at: clock.now)
  }

  /// Starts an ended agent of lifecycle `always`: only this and a rule's `spawn` do, and no event.
  func startResting(_ id: AgentID, cause: Cause?) {
    guard let agent = agents[id], agent.mayStart, agent.lifecycle.state == .idle, !agent.lifecycle.accepts else {
      return
    }
    agent.feed(.spawn, cause: cause)
  }

  package func killAgent(
    _ id: AgentID, now: Bool, cause: Cause?, _ done: @escaping () -> Void
  ) throws(AgentControlError) {
    let agent = try agent(id)
    // It would run again when its time comes, or with another one.
    let waited = families.stopWaiting(id)
    guard agent.isLive else {
      guard agent.endTimers() || waited else { throw .notRunning(id) }
      if waited { startSiblings(of: agent, cause) }
      return done()
    }
    agent.onEnd.append(done)
    agent.feed(.kill(now: now), cause: cause)
  }

  package func restartAgent(_ id: AgentID, cause: Cause?) throws(AgentControlError) {
    let agent = try agent(id)
    if agent.isDisabled { throw .disabled(id) }
    try checkObstacles(agent)
    if agent.isLeaving { throw .draining(id) }
    if agent.lifecycle.state == .quarantined { quarantines?.release(id) }
    agent.feed(.restart, cause: cause)
  }

  package func checkWake(_ id: AgentID) throws(AgentControlError) { try agent(id).checkDelivery() }

  package func wakeAgent(
    _ id: AgentID, with event: Event, _ done: @escaping (EventOutcome) -> Void
  ) throws(AgentControlError) {
    try deliver(event, to: id, cause: Cause(event), count: 1, firing: nil, done)
  }

  package func abandon(_ event: ULID, of id: AgentID, because why: String) { agents[id]?.abandon(event, why) }

  package func register(_ manifest: Manifest) throws(AgentControlError) {
    try check(manifest)
    try checkLattice(manifest)
    try keep(manifest) { () throws(AgentControlError) in
      // A new version leaves quarantine.
      quarantines?.release(manifest.id)
      try adopt(manifest, state: durableState(manifest.id))
    }
  }

  /// Stores an agent so that it survives a restart of the daemon, and publishes that it is registered.
  /// - Parameter adopt: runs before that event.
  func keep(
    _ manifest: Manifest, _ adopt: () throws(AgentControlError) -> Void = {}
  ) throws(AgentControlError) {
    try persist([.agent(manifest)])
    try adopt()
    warnOfFamily(of: manifest.id)
    events.publish(AgentEvents.registered(manifest.id, version: manifest.version), from: "agent/\(manifest.id)")
  }

  package func unregister(_ id: AgentID) throws(AgentControlError) {
    guard !(try agent(id).isLive) else { throw .stillRunning(id) }
    try persist([.removal(id)])
    noteRemoval(of: id)
    remove(id)
    events.publish(AgentEvents.unregistered(id), from: "agent/\(id)")
  }

  package func listAgents() -> [AgentStatus] { sorted.map { $0.status(at: clock.now) } }

  package func agentStatus(_ id: AgentID) throws(AgentControlError) -> AgentStatus {
    try agent(id).status(at: clock.now)
  }

  package func manifest(_ id: AgentID) throws(AgentControlError) -> Manifest { try agent(id).manifest }

  package func logs(_ id: AgentID, last: Int) throws(AgentControlError) -> [LogLine] {
    try agent(id).logs.last(last)
  }

  package func followLogs(
    _ id: AgentID?, _ onLine: @escaping (LogLine) -> Void
  ) throws(AgentControlError) -> FollowID {
    if let id { _ = try agent(id) }
    return follow(id, onLine)
  }

  package func snapshot(_ id: AgentID, _ done: @escaping (Value) -> Void) throws(AgentControlError) {
    try agent(id).snapshot(done)
  }

  /// How long agents may take to end when the daemon does, whatever their grace times: outputs wait for them.
  static let longestEnd = Duration.seconds(10)

  /// Stops every agent, each within its grace time, and within `longestEnd`.
  /// - Parameter done: called once when none is left.
  package func shutDown(_ done: @escaping () -> Void) {
    isShutDown = true
    let live = sorted.filter { $0.isLive }
    // First, so that nothing wakes an agent that is already stopped.
    for agent in sorted where !agent.isLive { agent.feed(.shutdown, cause: nil) }
    var waiting = live.count
    guard waiting > 0 else { return done() }
    let clock = clock
    // Weak: the clock retains this closure, and agents retain the clock, so a strong capture would be a retain cycle.
    let timer = clock.schedule(after: Self.longestEnd) { [weak self] in
      for agent in self?.sorted ?? [] where agent.isLive { agent.feed(.kill(now: true), cause: nil) }
    }
    for agent in live {
      agent.onEnd.append {
        waiting -= 1
        guard waiting == 0 else { return }
        clock.cancel(timer)
        done()
      }
      agent.feed(.shutdown, cause: nil)
    }
  }
}
