import Model

/// The parents and children among the registered agents, and which of them wait for one another.
struct AgentFamilies {
  /// The children of each agent that has some, registered or not.
  private(set) var children: [AgentID: [AgentID]] = [:]
  /// Why an agent may not run as long as its manifest and its parent's are as they are.
  var faults: [AgentID: String] = [:]
  /// What is restarted when a child fails, where that differs from its manifest.
  var supervision: [AgentID: Policy.Supervision] = [:]
  /// The agents of lifecycle `always` that were not started because of an agent above them.
  var blocked: Set<AgentID> = []
  /// The failed child that an agent waits for.
  private(set) var awaited: [AgentID: AgentID] = [:]
  /// The agents that ended with their parent, by that one, and start again with it.
  private var endedWith: [AgentID: [AgentID]] = [:]
  /// The order in which children started for the first time.
  private var order: [AgentID: Int] = [:]
  private var lastPlace = 0

  /// Notes a child of `parent`.
  mutating func add(_ child: AgentID, to parent: AgentID) { children[parent, default: []].append(child) }

  /// Forgets a child of `parent`, but not its place in the order of starts, which the next version has, too.
  mutating func remove(_ child: AgentID, from parent: AgentID) {
    children[parent]?.removeAll { $0 == child }
    if children[parent]?.isEmpty ?? false { children[parent] = nil }
    (faults[child], supervision[child], awaited[child]) = (nil, nil, nil)
    blocked.remove(child)
  }

  /// Notes that a child has started.
  mutating func noteStart(of child: AgentID) {
    guard order[child] == nil else { return }
    lastPlace += 1
    order[child] = lastPlace
  }

  /// The siblings that restart with a failed child, in the order of their first starts.
  func restarting(with child: AgentID, of parent: AgentID, _ supervision: Policy.Supervision) -> [AgentID] {
    let others = sorted((children[parent] ?? []).filter { $0 != child })
    switch supervision {
    case .oneForOne: return []
    case .oneForAll: return others
    case .restForOne: return others.filter { order[$0, default: 0] > order[child, default: 0] }
    }
  }

  private func sorted(_ ids: [AgentID]) -> [AgentID] {
    ids.sorted { (order[$0, default: 0], $0) < (order[$1, default: 0], $1) }
  }

  /// Has an agent wait for a failed sibling.
  mutating func hold(_ id: AgentID, for sibling: AgentID) { awaited[id] = sibling }

  /// Ends the waiting for a sibling.
  /// - Returns: those that waited, in the order of their first starts.
  mutating func release(waitingFor sibling: AgentID) -> [AgentID] {
    guard !awaited.isEmpty else { return [] }
    let waiting = sorted(awaited.filter { $0.value == sibling }.map(\.key))
    for id in waiting { awaited[id] = nil }
    return waiting
  }

  /// Notes that a child ended with its parent.
  mutating func end(_ child: AgentID, with parent: AgentID) {
    if !(endedWith[parent]?.contains(child) ?? false) { endedWith[parent, default: []].append(child) }
  }

  /// The children that ended with their parent, which has started again, in the order of their first starts.
  mutating func takeEnded(with parent: AgentID) -> [AgentID] {
    guard !endedWith.isEmpty else { return [] }
    return sorted(endedWith.removeValue(forKey: parent) ?? [])
  }
}
