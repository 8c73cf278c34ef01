/// What goes with a command that may have to wait for a person.
package struct ApprovalRequest: Sendable, Hashable {
  /// What the principal says to that person; nil for nothing.
  package var reason: String?
  /// The session that asks, whose end ends the wait; nil for agents.
  package var session: UInt64?
  /// Whether the lease outlives that session.
  package var outlives = false
  /// Whether a person may be asked at all. Otherwise such a command is `limited`.
  package var mayWait = true

  /// - Parameters:
  ///   - reason: what the principal says to a person who has to approve the command.
  ///   - session: the session that asks.
  ///   - outlives: whether the lease outlives that session.
  ///   - mayWait: whether a person may be asked at all.
  package init(reason: String? = nil, session: UInt64? = nil, outlives: Bool = false, mayWait: Bool = true) {
    self.reason = reason
    self.session = session
    self.outlives = outlives
    self.mayWait = mayWait
  }
}
