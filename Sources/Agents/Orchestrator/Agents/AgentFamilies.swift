import Model

/// The parents and children among the registered agents, and which of them wait for one another.
struct AgentFamilies {
  /// The children of each agent that has some, registered or not.
  private(set) var children: [AgentID: [AgentID]] = [:]
  /// What an agent asks for beyond its parent, so that it may not run as long as both manifests are as they are.
  var excess: [AgentID: [PermissionLattice.Excess]] = [:]
  /// What is restarted when a child fails, where that differs from its manifest.
  var supervision: [AgentID: Policy.Supervision] = [:]
  /// Agents that start when another one does: a sibling that has failed, or an agent above them that may not run.
  private(set) var awaited: [AgentID: AgentID] = [:]
  /// The order in which the first starts of children began.
  private var order: [AgentID: Int] = [:]
  private var lastPlace = 0

  /// Notes a child of `parent`.
  mutating func add(_ child: AgentID, to parent: AgentID) { children[parent, default: []].append(child) }

  /// Forgets a child of `parent`, but not its place in the order of starts, which the next version has, too.
  mutating func remove(_ child: AgentID, from parent: AgentID) {
    children[parent]?.removeAll { $0 == child }
    if children[parent]?.isEmpty ?? false { children[parent] = nil }
    (excess[child], supervision[child], awaited[child]) = (nil, nil, nil)
  }

  /// Forgets the place of an agent that is removed for good.
  mutating func forgetPlace(of id: AgentID) { order[id] = nil }

  /// Notes that a start of a child begins. How long it takes does not count.
  mutating func noteStart(of child: AgentID) {
    guard order[child] == nil else { return }
    lastPlace += 1
    order[child] = lastPlace
  }

  /// The siblings that restart with a failed child, in the order of their first starts.
  func restarting(with child: AgentID, of parent: AgentID, _ supervision: Policy.Supervision) -> [AgentID] {
    let others = (children[parent] ?? []).filter { $0 != child }
    switch supervision {
    case .oneForOne: return []
    case .oneForAll: return sorted(others)
    case .restForOne: return sorted(others.filter { order[$0, default: 0] > order[child, default: 0] })
    }
  }

  private func sorted(_ ids: [AgentID]) -> [AgentID] {
    ids.sorted { (order[$0, default: 0], $0) < (order[$1, default: 0], $1) }
  }

  /// Has an agent start when another one does.
  mutating func wait(_ id: AgentID, for other: AgentID) { awaited[id] = other }

  /// Ends the waiting of an agent.
  /// - Returns: whether it waited.
  mutating func stopWaiting(_ id: AgentID) -> Bool { awaited.removeValue(forKey: id) != nil }

  /// Ends the waiting for an agent.
  /// - Parameter isMeant: which of those that wait.
  /// - Returns: those that waited, in the order of their first starts.
  mutating func release(waitingFor other: AgentID, where isMeant: (AgentID) -> Bool = { _ in true }) -> [AgentID] {
    guard !awaited.isEmpty else { return [] }
    let waiting = sorted(awaited.filter { $0.value == other && isMeant($0.key) }.map(\.key))
    for id in waiting { awaited[id] = nil }
    return waiting
  }
}
