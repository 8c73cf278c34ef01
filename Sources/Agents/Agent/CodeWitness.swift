import Model

/// Is told whenever code of an agent is about to run in the daemon, and when it has returned or yields: what holds the loop is
/// to be known by name when it takes the daemon with it.
public protocol CodeWitness: AnyObject {
  /// Code of `agent` is about to run; never called again before `end`.
  /// - Parameter event: what it is handed; nil outside of an activation.
  func begin(_ call: CodeCall, _ agent: AgentID, _ event: Event?)

  /// It has returned, or yields.
  func end()
}

/// What an agent's code is called for.
public enum CodeCall: Sendable, Hashable {
  /// The instance is being made.
  case start
  /// It handles an event.
  case activation
  /// It tells its state.
  case snapshot
  /// The instance is being let go.
  case end
}
