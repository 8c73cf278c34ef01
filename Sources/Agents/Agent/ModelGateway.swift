import Model

/// Sends agents' requests to language models. Without a gateway such requests are refused as `unavailable`.
///
/// It is called on the loop's thread. The caller has checked permissions; the gateway counts tokens.
package protocol ModelGateway: AnyObject {
  /// Sends a request to a model.
  /// - Parameters:
  ///   - agent: the agent that asks.
  ///   - done: called once with the answer, within this call or later; never after `cancel`.
  /// - Returns: the id for `cancel`.
  /// - Throws: `unavailable`, `limited` or `invalid`.
  func complete(
    _ request: ModelRequest, for agent: AgentID, _ done: @escaping (Result<ModelAnswer, AgentError>) -> Void
  ) throws(AgentError) -> CompletionID

  /// Abandons a request. Does nothing when it has already been answered.
  func cancel(_ completion: CompletionID)
}
