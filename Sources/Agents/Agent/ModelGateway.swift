import Model

/// Where agents' questions to models go. Without one, asking is `unavailable`.
///
/// Everything happens on the loop's thread. Permissions were checked before; what is spent is the gateway's to count.
public protocol ModelGateway: AnyObject {
  /// Asks a model.
  /// - Parameters:
  ///   - agent: who asks.
  ///   - done: called once with the answer, within this call or later; never after `cancel`.
  /// - Returns: what `cancel` takes.
  /// - Throws: why it cannot be asked: `unavailable`, `limited`, `invalid`.
  func complete(
    _ request: ModelRequest, for agent: AgentID, _ done: @escaping (Result<ModelAnswer, AgentError>) -> Void
  ) throws(AgentError) -> CompletionID

  /// Nobody waits for the answer any more. Does nothing when it was given.
  func cancel(_ completion: CompletionID)
}
