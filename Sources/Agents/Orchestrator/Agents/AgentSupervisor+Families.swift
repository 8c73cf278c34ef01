import Agent
import Linux
import Model

// Parents and children: what a child may do, what ends with its parent, and what restarts with a failed sibling.
extension AgentSupervisor {
  /// Warns in the log of each agent about its `parent`, once all agents it may name are there.
  /// - Parameter only: the agents to check; nil for all.
  package func warnOfParents(_ only: [AgentID]? = nil) {
    for (id, complaint) in Parentage.complaints(sorted.map(\.manifest), of: only, resolving: Files.resolveExisting) {
      log(id, complaint.severity == .error ? .error : .warning, complaint.message)
    }
  }

  /// Warns in the log of a new version about its `parent`, and in the logs of those below it that have more than it.
  func warnOfFamily(of id: AgentID) {
    warnOfParents([id])
    warnOfParents(descendants(of: id).filter { families.excess[$0] != nil })
  }

  package func supervise(
    _ id: AgentID, _ supervision: Policy.Supervision, maxRestarts: Int?
  ) throws(AgentControlError) {
    let agent = try agent(id)
    guard agent.manifest.parent != nil else { throw .noParent(id) }
    families.supervision[id] = supervision
    if let maxRestarts { agent.lifecycle.policy.maxRestarts = maxRestarts }
  }

  // MARK: Obstacles

  /// Throws when a manifest asks for more than that of its parent.
  func checkLattice(_ manifest: Manifest) throws(AgentControlError) {
    let excess = PermissionLattice.excess(of: manifest, resolving: Files.resolveExisting) { agents[$0]?.manifest }
    if !excess.isEmpty, let parent = manifest.parent { throw .beyondParent(manifest.id, parent: parent, excess) }
  }

  /// Throws why an enabled agent may not start now.
  func checkObstacles(_ agent: ManagedAgent) throws(AgentControlError) {
    if let parent = agent.manifest.parent {
      if let excess = families.excess[agent.id] { throw .beyondParent(agent.id, parent: parent, excess) }
      if agents[parent].map(Self.isEnding) ?? false { throw .parentDraining(agent.id, parent: parent) }
    }
    if let reason = agent.obstacle { throw .cannotRun(agent.id, reason) }
  }

  /// Why a child may not run now; nil when it may.
  func obstacle(of child: ManagedAgent) -> String? {
    if let excess = families.excess[child.id], let parent = child.manifest.parent {
      return "it \(PermissionLattice.sentence(excess, parent: parent))"
    }
    return blocker(of: child)?.why
  }

  /// The agent because of which a child may not run now, and why; nil when there is none.
  private func blocker(of child: ManagedAgent) -> (agent: AgentID, why: String)? {
    let above = ancestors(of: child)
    if let other = families.awaited[child.id], !above.contains(other) {
      return (other, "it restarts with '\(other)', a child of the same parent, which has failed and does not run yet")
    }
    for (level, id) in above.enumerated() {
      guard let trouble = trouble(of: id) else { continue }
      return (id, Self.sentence(id, level, trouble))
    }
    // A new version of an agent that was killed has not ended itself.
    if let other = families.awaited[child.id], let level = above.firstIndex(of: other),
      agents[other]?.lifecycle.state == .idle
    {
      return (other, Self.sentence(other, level, Self.hasEnded))
    }
    return nil
  }

  private static func sentence(_ id: AgentID, _ level: Int, _ trouble: String) -> String {
    level == 0 ? "its parent '\(id)' \(trouble)" : "'\(id)', a parent of its parent, \(trouble)"
  }

  private static let hasEnded = "has ended, and runs with its children when it is started"

  /// Why nothing below an agent may run; nil when it may.
  private func trouble(of id: AgentID) -> String? {
    guard let agent = agents[id] else { return unusable[id].map { "cannot run: \($0)" } }
    if agent.isDisabled { return "is disabled" }
    if agent.lifecycle.state == .quarantined { return "is quarantined" }
    if Self.isEnding(agent) { return "is ending" }
    guard agent.lifecycle.state == .idle, agent.lifecycle.lastExit.map(Self.takesChildren) ?? false else { return nil }
    return Self.hasEnded
  }

  /// Whether it is being stopped, and does not start again by itself.
  private static func isEnding(_ agent: ManagedAgent) -> Bool {
    [.draining, .stopping].contains(agent.lifecycle.state) && !agent.lifecycle.accepts
  }

  /// Whether the children of an agent end with it.
  static func takesChildren(_ reason: ExitReason) -> Bool {
    [.killed, .parentEnded, .siblingFailed].contains(reason)
  }

  /// The agents above one, from its parent upwards, as far as they are registered; the last may be one that is not. None
  /// for an agent in a cycle of parents: each would wait for the others.
  private func ancestors(of child: ManagedAgent) -> [AgentID] {
    var found: [AgentID] = []
    var next = child.manifest.parent
    while let id = next, !found.contains(id) {
      if id == child.id { return [] }
      found.append(id)
      next = agents[id]?.manifest.parent
    }
    return found
  }

  // MARK: Registration

  /// Notes the parent of a new agent, and checks it and those below it.
  func joinFamily(_ agent: ManagedAgent) {
    if let parent = agent.manifest.parent { families.add(agent.id, to: parent) }
    guard agent.manifest.parent != nil || families.children[agent.id] != nil else { return }
    for id in [agent.id] + descendants(of: agent.id) { findExcess(of: id) }
  }

  /// Forgets the place of an agent that is removed or replaced.
  func leaveFamily(_ agent: ManagedAgent) {
    if let parent = agent.manifest.parent { families.remove(agent.id, from: parent) }
  }

  /// Checks those below an agent that was removed, and starts those that waited for it.
  func endFamily(of id: AgentID) {
    families.forgetPlace(of: id)
    for id in descendants(of: id) { findExcess(of: id) }
    startWaiting(for: id)
  }

  private func descendants(of id: AgentID) -> [AgentID] {
    var found: [AgentID] = []
    var known: Set<AgentID> = [id]
    var waiting = families.children[id] ?? []
    while let next = waiting.popLast() {
      guard known.insert(next).inserted else { continue }
      found.append(next)
      waiting += families.children[next] ?? []
    }
    return found
  }

  /// Compares an agent with its parent. One that may no longer run is ended, one that may again is started.
  private func findExcess(of id: AgentID) {
    guard let agent = agents[id], agent.manifest.parent != nil else { return }
    let excess = PermissionLattice.excess(of: agent.manifest, resolving: Files.resolveExisting) {
      agents[$0]?.manifest
    }
    let wasThere = families.excess[id] != nil
    families.excess[id] = excess.isEmpty ? nil : excess
    if !excess.isEmpty, agent.isLive { agent.feed(.end(.parentEnded), cause: nil) }
    if excess.isEmpty, wasThere { startResident([id]) }
  }

  // MARK: Life

  /// Does what a change in the life of an agent means for its children and siblings.
  func heed(_ news: LifecycleNews, of agent: ManagedAgent, _ cause: Cause?) {
    guard !isShutDown, agent.manifest.parent != nil || families.children[agent.id] != nil else { return }
    switch news {
    case .failed: break
    case .started:
      _ = families.stopWaiting(agent.id)
      startWaiting(for: agent.id, cause: cause)
    // A one-shot agent does not come back for the event that is lost.
    case .backoff where agent.manifest.runtime.lifecycle == .oneShot && agent.queue.isEmpty: break
    case .backoff: stopSiblings(of: agent, cause)
    case .quarantined, .restartedTooOften:
      stopSiblings(of: agent, cause)
      stopChildren(of: agent, cause)
    // It comes back with the one because of which it has ended; those that wait for it go on waiting.
    case .stopped(.parentEnded), .stopped(.siblingFailed):
      stopChildren(of: agent, cause)
      if families.excess[agent.id] != nil { startSiblings(of: agent, cause) }
    case .stopped(.pressure): startSiblings(of: agent, cause)
    case .stopped(let reason):
      if Self.takesChildren(reason) { stopChildren(of: agent, cause) }
      startSiblings(of: agent, cause)
    }
  }

  private func stopSiblings(of child: ManagedAgent, _ cause: Cause?) {
    guard let parent = child.manifest.parent else { return }
    let supervision = families.supervision[child.id] ?? child.manifest.policy.supervision
    // In reverse order, as those that started later may depend on the earlier ones.
    for id in families.restarting(with: child.id, of: parent, supervision).reversed() {
      end(id, with: child.id, .siblingFailed, cause)
    }
  }

  /// Ends the children of an agent; they start again with it.
  func stopChildren(of parent: ManagedAgent, _ cause: Cause?) {
    for id in families.children[parent.id] ?? [] { end(id, with: parent.id, .parentEnded, cause) }
  }

  private func end(_ id: AgentID, with other: AgentID, _ reason: ExitReason, _ cause: Cause?) {
    guard let agent = agents[id], agent.isLive, families.awaited[id] == nil else { return }
    // It has been killed, and does not come back.
    if Self.isEnding(agent) { return }
    families.wait(id, for: other)
    agent.feed(.end(reason), cause: cause)
  }

  /// Starts the siblings that wait for an agent which does not come back by itself.
  func startSiblings(of agent: ManagedAgent, _ cause: Cause?) {
    guard let parent = agent.manifest.parent else { return }
    resume(families.release(waitingFor: agent.id) { agents[$0]?.manifest.parent == parent }, cause)
  }

  /// Starts those that wait for an agent.
  func startWaiting(for id: AgentID, cause: Cause? = nil) { resume(families.release(waitingFor: id), cause) }

  private func resume(_ ids: [AgentID], _ cause: Cause?) {
    for id in ids {
      guard let agent = agents[id], !agent.isDisabled else { continue }
      if waitsForBlocker(agent) { continue }
      guard agent.mayStart else { continue }
      switch agent.lifecycle.state {
      case .idle: agent.feed(.spawn, cause: cause)
      case .draining, .stopping: agent.feed(.comeBack, cause: cause)
      // It runs already, or only a person may start it.
      case .starting, .ready, .active, .backoff, .quarantined: break
      }
    }
  }

  /// Has an agent start with the one because of which it may not run now.
  /// - Returns: false when there is none.
  func waitsForBlocker(_ agent: ManagedAgent) -> Bool {
    guard agent.manifest.parent != nil, let blocker = blocker(of: agent) else { return false }
    families.wait(agent.id, for: blocker.agent)
    return true
  }
}
