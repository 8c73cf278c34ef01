import OpenStarryAgent

/// Checks the `parent` of manifests that run together.
package enum Parentage {
  /// Finds unknown parents and cycles, where a budget is not shared as intended, and agents that must not run because
  /// they ask for more than their parents have, or are too deep in the tree.
  /// - Parameters:
  ///   - manifests: the manifests of agents that run together.
  ///   - only: the agents to check; nil for all.
  ///   - resolve: follows the links of a path; by default none.
  ///   - areAll: whether these are all agents; if not, an unknown parent is reported only if it resembles a known name.
  /// - Returns: a warning for each unknown `parent`, and one for each cycle; an error for each agent that must not run.
  package static func complaints(
    _ manifests: [Manifest], of only: [AgentID]? = nil, resolving resolve: (String) -> String = { $0 },
    areAll: Bool = true
  ) -> [(agent: AgentID, complaint: Diagnostic)] {
    let known = Dictionary(manifests.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    let parents = Dictionary(manifests.map { ($0.id, $0.parent) }, uniquingKeysWith: { first, _ in first })
    func isMeant(_ agent: AgentID) -> Bool { only?.contains(agent) ?? true }
    return manifests.compactMap { manifest in
      guard let parent = manifest.parent, isMeant(manifest.id) else { return nil }
      let place = manifest.parentLocation ?? Location(file: manifest.file)
      if let message = unknown(parent, of: manifest, parents, areAll) ?? cycle(from: manifest.id, parents, isMeant) {
        return (manifest.id, Diagnostic(place, message, severity: .warning))
      }
      let excess = PermissionLattice.excess(of: manifest, resolving: resolve) { known[$0] }
      guard !excess.isEmpty else { return nil }
      let sentence = PermissionLattice.sentence(excess, parent: parent)
      return (manifest.id, Diagnostic(place, "agent '\(manifest.id)' \(sentence)"))
    }
  }

  private static func unknown(
    _ parent: AgentID, of manifest: Manifest, _ parents: [AgentID: AgentID?], _ areAll: Bool
  ) -> String? {
    guard parents[parent] == nil else { return nil }
    let others = parents.keys.filter { $0 != manifest.id }.map(\.rawValue).sorted()
    let suggestion = Suggestion.phrase(for: parent.rawValue, in: others)
    guard areAll || !suggestion.isEmpty else { return nil }
    return "'parent' names the unknown agent '\(parent)'\(suggestion), so agent '\(manifest.id)' shares no budget"
  }

  /// Reports a cycle only for the first by name of its agents that are checked, so that it is reported once.
  private static func cycle(
    from start: AgentID, _ parents: [AgentID: AgentID?], _ isMeant: (AgentID) -> Bool
  ) -> String? {
    var path = [start]
    while let next = parents[path[path.count - 1]] ?? nil {
      if next == start {
        guard path.filter(isMeant).min() == start else { return nil }
        let way = (path + [start]).map { "'\($0)'" }.joined(separator: " → ")
        return "'parent' forms a cycle: \(way); it is broken, so one of these agents shares no budget"
      }
      if path.contains(next) { return nil }
      path.append(next)
    }
    return nil
  }
}
