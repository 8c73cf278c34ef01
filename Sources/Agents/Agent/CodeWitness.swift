import Model

/// Observes when an agent's code runs inside the daemon, so that a crash or a hang can be attributed to that agent.
package protocol CodeWitness: AnyObject {
  /// Code of `agent` is about to run. Calls do not nest: `end` follows before the next `begin`.
  /// - Parameter event: the event to handle; nil outside of an activation.
  func begin(_ call: CodeCall, _ agent: AgentID, _ event: Event?)

  /// The code has returned, or has yielded to the loop.
  func end()
}

/// The purpose of a call into an agent's code.
package enum CodeCall: Sendable, Hashable {
  /// The instance is being created.
  case start
  /// The agent handles an event.
  case activation
  /// The agent reports its state.
  case snapshot
  /// The instance is being destroyed.
  case end
}
