import Agent
import Model

// Parents and children: what a child may do, what ends with its parent, and what restarts with a failed sibling.
extension AgentSupervisor {
  /// Warns in the log of each agent about its `parent`, once all agents it may name are there.
  /// - Parameter only: the agents to check; nil for all.
  package func warnOfParents(_ only: [AgentID]? = nil) {
    for (id, complaint) in Parentage.complaints(sorted.map(\.manifest)) where only?.contains(id) ?? true {
      log(id, complaint.severity == .error ? .error : .warning, complaint.message)
    }
  }

  package func supervise(
    _ id: AgentID, _ supervision: Policy.Supervision, maxRestarts: Int?
  ) throws(AgentControlError) {
    let agent = try agent(id)
    guard agent.manifest.parent != nil else {
      throw .cannotRun(id, "it has no parent, whose other children could restart with it")
    }
    families.supervision[id] = supervision
    if let maxRestarts { agent.lifecycle.policy.maxRestarts = maxRestarts }
  }

  /// Throws when a manifest asks for more than that of its parent.
  func checkLattice(_ manifest: Manifest) throws(AgentControlError) {
    let excess = PermissionLattice.excess(of: manifest) { agents[$0]?.manifest }
    if !excess.isEmpty, let parent = manifest.parent { throw .beyondParent(manifest.id, parent: parent, excess) }
  }

  /// Throws why an enabled agent may not start now.
  func checkObstacles(_ agent: ManagedAgent) throws(AgentControlError) {
    try checkLattice(agent.manifest)
    if let reason = agent.obstacle { throw .cannotRun(agent.id, reason) }
    guard let parent = agent.manifest.parent.flatMap({ agents[$0] }) else { return }
    switch parent.lifecycle.state {
    case .draining, .stopping: throw .parentDraining(agent.id, parent: parent.id)
    default: return
    }
  }

  /// Why a child may not run now; nil when it may.
  func obstacle(of child: ManagedAgent) -> String? {
    if let fault = families.faults[child.id] { return "it \(fault)" }
    if let sibling = families.awaited[child.id] {
      return "it restarts with '\(sibling)', a child of the same parent, which has failed and does not run yet"
    }
    for (level, parent) in ancestors(of: child).enumerated() {
      let who = level == 0 ? "its parent '\(parent.id)'" : "'\(parent.id)', a parent of its parent,"
      if parent.isDisabled { return "\(who) is disabled" }
      if parent.lifecycle.state == .quarantined { return "\(who) is quarantined" }
    }
    return nil
  }

  /// The registered agents above one, from its parent upwards.
  private func ancestors(of child: ManagedAgent) -> [ManagedAgent] {
    var found: [ManagedAgent] = []
    var next = child.manifest.parent
    while let id = next, let agent = agents[id], agent !== child, !found.contains(where: { $0 === agent }) {
      found.append(agent)
      next = agent.manifest.parent
    }
    return found
  }

  /// Starts the agents of lifecycle `always` below an agent that were kept from starting because of it.
  func startBlocked(below id: AgentID) {
    guard !families.blocked.isEmpty else { return }
    let free = descendants(of: id).filter { families.blocked.contains($0) && agents[$0]?.obstacle == nil }
    families.blocked.subtract(free)
    startResident(free)
  }

  // MARK: Registration

  /// Notes the parent of a new agent, and checks it and those below it.
  func joinFamily(_ agent: ManagedAgent) {
    if let parent = agent.manifest.parent { families.add(agent.id, to: parent) }
    guard agent.manifest.parent != nil || families.children[agent.id] != nil else { return }
    for id in [agent.id] + descendants(of: agent.id) { findFault(of: id) }
  }

  /// Forgets the place of an agent that is removed or replaced.
  func leaveFamily(_ agent: ManagedAgent) {
    if let parent = agent.manifest.parent { families.remove(agent.id, from: parent) }
  }

  /// Checks those below an agent that was removed, and starts those that waited for it.
  func endFamily(of id: AgentID) {
    for id in descendants(of: id) { findFault(of: id) }
    startAgain(families.release(waitingFor: id), cause: nil)
  }

  private func descendants(of id: AgentID) -> [AgentID] {
    var found: [AgentID] = []
    var waiting = families.children[id] ?? []
    while let next = waiting.popLast() {
      // A cycle of parents ends where it began.
      if next == id || found.contains(next) { continue }
      found.append(next)
      waiting += families.children[next] ?? []
    }
    return found
  }

  /// Checks an agent against its parent. One that may no longer run is ended, one that may again is started.
  private func findFault(of id: AgentID) {
    guard let agent = agents[id], let parent = agent.manifest.parent else { return }
    let excess = PermissionLattice.excess(of: agent.manifest) { agents[$0]?.manifest }
    let former = families.faults[id]
    families.faults[id] = excess.isEmpty ? nil : PermissionLattice.sentence(excess, parent: parent)
    if !excess.isEmpty, agent.isLive { agent.feed(.shed(.parentEnded), cause: nil) }
    if excess.isEmpty, former != nil { startResident([id]) }
  }

  // MARK: Life

  /// Does what a change in the life of an agent means for its children and siblings.
  func heed(_ news: LifecycleNews, of agent: ManagedAgent, _ cause: Cause?) {
    guard !isShutDown, agent.manifest.parent != nil || families.children[agent.id] != nil else { return }
    switch news {
    case .failed: break
    case .started:
      if agent.manifest.parent != nil { families.noteStart(of: agent.id) }
      startAgain(families.release(waitingFor: agent.id) + families.takeEnded(with: agent.id), cause: cause)
      startBlocked(below: agent.id)
    case .backoff: stopSiblings(of: agent, cause)
    case .quarantined, .restartedTooOften:
      stopSiblings(of: agent, cause)
      stopChildren(of: agent, cause)
    case .stopped(let reason):
      // It does not come back by itself, unless it has ended with its parent.
      let waiting = families.release(waitingFor: agent.id)
      if reason == .parentEnded, let parent = agent.manifest.parent {
        for id in waiting { families.end(id, with: parent) }
      } else {
        startAgain(waiting, cause: cause)
      }
      if [.killed, .parentEnded, .siblingFailed].contains(reason) { stopChildren(of: agent, cause) }
    }
  }

  private func stopSiblings(of child: ManagedAgent, _ cause: Cause?) {
    guard let parent = child.manifest.parent else { return }
    let supervision = families.supervision[child.id] ?? child.manifest.policy.supervision
    // In reverse order, as those that started later may depend on the earlier ones.
    for id in families.restarting(with: child.id, of: parent, supervision).reversed() {
      guard let sibling = agents[id], sibling.isLive, families.awaited[id] == nil else { continue }
      families.hold(id, for: child.id)
      sibling.feed(.shed(.siblingFailed), cause: cause)
    }
  }

  /// Ends the children of an agent; they start again with it.
  func stopChildren(of parent: ManagedAgent, _ cause: Cause?) {
    for id in families.children[parent.id] ?? [] {
      guard let child = agents[id], child.isLive else { continue }
      families.end(id, with: parent.id)
      child.feed(.shed(.parentEnded), cause: cause)
    }
  }

  private func startAgain(_ ids: [AgentID], cause: Cause?) {
    for id in ids {
      guard let agent = agents[id], !agent.isDisabled, agent.obstacle == nil else { continue }
      switch agent.lifecycle.state {
      case .idle: agent.feed(.spawn, cause: cause)
      case .draining, .stopping: agent.feed(.restart, cause: cause)
      // It runs already, or only a person may start it.
      case .starting, .ready, .active, .backoff, .quarantined: break
      }
    }
  }
}
