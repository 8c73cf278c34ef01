import OpenStarryAgent

/// Whose budgets agents share: what is wrong with the `parent` of manifests that run together.
public enum Parentage {
  /// Warns of parents that nobody is, and of circles: in both cases no budget is shared where one was meant to be.
  /// - Parameters:
  ///   - manifests: of agents that run together.
  ///   - areAll: whether there are no others; where there may be, only a name like one of theirs is warned of.
  /// - Returns: a warning at each `parent` that no agent has for its id, and one at one of each circle.
  public static func complaints(
    _ manifests: [Manifest], areAll: Bool = true
  ) -> [(agent: AgentID, warning: Diagnostic)] {
    let parents = Dictionary(manifests.map { ($0.id, $0.parent) }, uniquingKeysWith: { first, _ in first })
    return manifests.compactMap { manifest in
      guard let parent = manifest.parent else { return nil }
      guard let message = unknown(parent, of: manifest, parents, areAll) ?? circle(from: manifest.id, parents) else {
        return nil
      }
      let place = manifest.parentLocation ?? Location(file: manifest.file)
      return (manifest.id, Diagnostic(place, message, severity: .warning))
    }
  }

  private static func unknown(
    _ parent: AgentID, of manifest: Manifest, _ parents: [AgentID: AgentID?], _ areAll: Bool
  ) -> String? {
    guard parents[parent] == nil else { return nil }
    let others = parents.keys.filter { $0 != manifest.id }.map(\.rawValue).sorted()
    let suggestion = Suggestion.phrase(for: parent.rawValue, in: others)
    guard areAll || !suggestion.isEmpty else { return nil }
    return "'parent' is '\(parent)', and no agent is called that\(suggestion): agent '\(manifest.id)' shares nobody's "
      + "budget"
  }

  /// Told of the first of them alone.
  private static func circle(from start: AgentID, _ parents: [AgentID: AgentID?]) -> String? {
    var path = [start]
    while let next = parents[path[path.count - 1]] ?? nil {
      if next == start {
        guard path.min() == start else { return nil }
        let way = (path + [start]).map { "'\($0)'" }.joined(separator: " → ")
        return "'parent' leads in a circle: \(way); it is cut, and one of them shares nobody's budget"
      }
      if path.contains(next) { return nil }
      path.append(next)
    }
    return nil
  }
}
