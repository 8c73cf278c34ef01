import Model

/// Sends agents' requests to language models. Without a gateway such requests are refused as `unavailable`.
///
/// It is called on the loop's thread. The caller has checked permissions; the gateway counts tokens.
package protocol ModelGateway: AnyObject {
  /// Sends a request to a model.
  /// - Parameter done: called once with the answer, within this call or later; never after `cancel`. What the agent does next
  ///   has the cause that comes with it; nil for that of the caller.
  /// - Returns: the id for `cancel`.
  /// - Throws: `unavailable`, `limited` or `invalid`.
  func complete(
    _ request: ModelRequest, for caller: ModelCaller,
    _ done: @escaping (Result<ModelAnswer, AgentError>, Cause?) -> Void
  ) throws(AgentError) -> CompletionID

  /// Abandons a request. Does nothing when it has already been answered.
  func cancel(_ completion: CompletionID)

  /// Reads what was used before.
  /// - Parameter done: called once, later, with warnings for people.
  func open(_ done: @escaping ([String]) -> Void)

  /// Stores what was used; no more calls are made.
  func close(_ done: @escaping () -> Void)

  /// Sets what an agent may use of models; nil stands for the board. What it has used before still counts.
  func setLimits(_ limits: TokenLimits, of agent: AgentID?)

  /// What an agent may use and has used; nil stands for the board.
  func budgets(of agent: AgentID?) -> [BudgetStatus]
}

// For gateways that count nothing.
extension ModelGateway {
  package func open(_ done: @escaping ([String]) -> Void) { done([]) }
  package func close(_ done: @escaping () -> Void) { done() }
  package func setLimits(_ limits: TokenLimits, of agent: AgentID?) {}
  package func budgets(of agent: AgentID?) -> [BudgetStatus] { [] }
}

/// Who asks a model.
package struct ModelCaller: Sendable, Hashable {
  /// The agent.
  package var agent: AgentID
  /// Its parents, the nearest first: their budgets are charged as well.
  package var parents: [AgentID]
  /// The event that it handles; nil outside of one.
  package var cause: Cause?
  /// A model of the agent's manifest, beside those of the settings; nil for none.
  package var own: ModelSettings?
  /// The model that it asks where the request names none: a name in the settings, or empty.
  package var model: String
  /// Whether a call that its budget does not allow waits for the next window.
  package var waitsForBudget: Bool

  /// A caller.
  package init(
    _ agent: AgentID, parents: [AgentID] = [], cause: Cause? = nil, own: ModelSettings? = nil, model: String = "",
    waitsForBudget: Bool = false
  ) {
    self.agent = agent
    self.parents = parents
    self.cause = cause
    self.own = own
    self.model = model
    self.waitsForBudget = waitsForBudget
  }
}
