import Model

/// Finds the subscribers of an event: exact names by look-up, patterns with wildcards by trying each.
struct SubscriberIndex {
  private var exact: [String: [AgentID]] = [:]
  private var patterns: [(pattern: EventPattern, agent: AgentID)] = []

  mutating func add(_ agent: AgentID, _ subscriptions: [EventPattern]) {
    for pattern in subscriptions {
      if pattern.isExact { exact[pattern.text, default: []].append(agent) } else { patterns.append((pattern, agent)) }
    }
  }

  mutating func remove(_ agent: AgentID) {
    for type in exact.keys { exact[type]?.removeAll { $0 == agent } }
    exact = exact.filter { !$0.value.isEmpty }
    patterns.removeAll { $0.agent == agent }
  }

  /// The agents that subscribe to events of `type`, each once.
  func subscribers(to type: String) -> [AgentID] {
    var found = exact[type] ?? []
    for (pattern, agent) in patterns where pattern.matches(type) && !found.contains(agent) { found.append(agent) }
    return found
  }
}
