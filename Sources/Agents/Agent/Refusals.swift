import Model

/// The refusals that an agent got during one activation, so that one it passes on is told from an error of its own.
///
/// A refusal is an answer: busy, limited, denied, unavailable, failed hardware. Agents in every language pass on its
/// sentence, alone or within one of their own; that is how it is recognised, in every isolation.
public struct Refusals {
  /// Of so many, the newest, an activation may pass on any.
  static let limit = 16
  private var newest: [AgentError] = []

  /// None yet.
  public init() {}

  /// An activation begins.
  public mutating func begin() { newest = [] }

  /// A call of the agent's was answered with `error`; what is no refusal is left out.
  public mutating func note(_ error: AgentError) {
    guard error.isRefusal, !error.message.isEmpty else { return }
    if newest.count == Self.limit { newest.removeFirst() }
    newest.append(error)
  }

  /// The refusal that the activation ended with; nil when it ended for another reason.
  public func passedOn(_ failure: AgentFailure) -> AgentError? {
    guard failure.reason == .error else { return nil }
    // A failure says it as messages are said.
    return newest.last { failure.message.holds($0.message.asMessage) }
  }
}

/// A host that is told of refusals which the driver itself gives, such as an answer that did not come in time.
public protocol RefusalKeeper: AnyObject {
  /// A call of the agent's is answered with `error`.
  func note(_ error: AgentError)
}
