import OpenStarryAgent

/// The agents in the examples' manifests. A custom firmware lists its own types instead.
public enum ExampleAgents {
  /// All agents, under the names that `runtime.entry` uses.
  public static var all: [AgentType] {
    [
      AgentType("climate", Climate.self),
      AgentType("code-reviewer", CodeReviewer.self),
      AgentType("doorkeeper", Doorkeeper.self),
      AgentType("lookout", Lookout.self),
    ]
  }
}
