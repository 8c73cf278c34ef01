import Model

/// The end of an instance that nobody asked for: its process exited, its sandbox broke down.
public struct AgentEnd: Sendable, Hashable {
  /// Why; with the reason `completed` for an instance that ended well, such as a process with exit code 0.
  public var failure: AgentFailure
  /// Whether it was handed an event that it had not begun to handle: the next instance gets it.
  public var leavesEvent: Bool

  /// An end for this reason.
  public init(_ failure: AgentFailure, leavesEvent: Bool = false) {
    self.failure = failure
    self.leavesEvent = leavesEvent
  }
}
