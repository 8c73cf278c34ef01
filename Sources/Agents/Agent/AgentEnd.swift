import Model

/// An instance's end that the daemon did not ask for: its process exited, or its sandbox failed.
package struct AgentEnd: Sendable, Hashable {
  /// Why it ended. The reason is `completed` for a clean end, such as a process with exit code 0.
  package var failure: AgentFailure
  /// Whether the instance received an event but had not begun to handle it. The next instance gets that event.
  package var leavesEvent: Bool
  /// What the activation in whose middle it ended has cost; nil when there was none, or it is not known.
  package var cost: ActivationCost?

  /// By default the event of a running activation counts as handled.
  package init(_ failure: AgentFailure, leavesEvent: Bool = false, cost: ActivationCost? = nil) {
    self.cost = cost
    self.failure = failure
    self.leavesEvent = leavesEvent
  }
}
