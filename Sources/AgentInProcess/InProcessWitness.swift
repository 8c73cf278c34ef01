import Model

/// Is told whenever code of an in-process agent is about to run, and when it has returned: what nothing can interrupt
/// is to be known by name when it takes the daemon with it.
public protocol InProcessWitness: AnyObject {
  /// Code of `agent` is about to run; never called again before `end`.
  /// - Parameter event: what it is handed; nil outside of an activation.
  func begin(_ call: InProcessCall, _ agent: AgentID, _ event: Event?)

  /// It has returned.
  func end()
}

/// What an agent's code is called for.
public enum InProcessCall: Sendable, Hashable {
  /// The instance is being made.
  case start
  /// It handles an event.
  case activation
  /// It tells its state.
  case snapshot
  /// The instance is being let go.
  case end
}
