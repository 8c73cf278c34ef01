import OpenStarryAgent

/// The agents that the examples' manifests name; a firmware build of your own lists its own types in their place.
public enum ExampleAgents {
  /// All of them, by the name that `runtime.entry` uses.
  public static var all: [AgentType] {
    [
      AgentType("climate", Climate.self),
      AgentType("code-reviewer", CodeReviewer.self),
      AgentType("doorkeeper", Doorkeeper.self),
      AgentType("lookout", Lookout.self),
    ]
  }
}
