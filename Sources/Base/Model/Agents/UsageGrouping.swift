/// How the use of models is summed up.
package enum UsageGrouping: String, Sendable, Hashable, CaseIterable {
  /// For each agent.
  case agent
  /// For each model.
  case model
  /// For each day (UTC).
  case day
}
