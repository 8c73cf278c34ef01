import Model

/// The refusals that an agent received during one activation. Tells an unhandled refusal from the agent's own error.
///
/// A refusal is an answer: busy, limited, denied, unavailable, failed hardware. An agent that does not handle it fails
/// with the refusal's message, alone or quoted in its own. Matching the message works for every language and isolation.
package struct Refusals {
  /// Only the newest refusals are kept.
  static let limit = 16
  private var newest: [AgentError] = []

  /// Holds no refusals.
  package init() {}

  /// Forgets earlier refusals: an activation begins.
  package mutating func begin() { newest = [] }

  /// Records the error of a host call. Ignores errors that are no refusals.
  package mutating func note(_ error: AgentError) {
    guard error.isRefusal, !error.message.isEmpty else { return }
    if newest.count == Self.limit { newest.removeFirst() }
    newest.append(error)
  }

  /// The refusal that the activation ended with; nil when it ended for another reason.
  package func passedOn(_ failure: AgentFailure) -> AgentError? {
    guard failure.reason == .error else { return nil }
    // `AgentFailure` has cleaned its message the same way.
    return newest.last { failure.message.holds($0.message.asMessage) }
  }
}

/// A host that also records refusals by the driver itself, such as a time-out.
package protocol RefusalStore: AnyObject {
  /// Records that the driver answers a call with `error`.
  func note(_ error: AgentError)
}
