import Model

/// Who may hold an output. The rules of a board are one party: any of them may change what another has taken.
package enum Party: Sendable, Hashable {
  case rules
  case people
  case agents
  /// The daemon itself, or a daemon before it.
  case others

  /// The party of a holder: `rule/hot`, `client/alice`, `agent/climate`, `mcp/alice/17`.
  package init(of holder: String) {
    self =
      holder.hasPrefix("rule/")
      ? .rules
      : holder.hasPrefix("client/")
        ? .people
        : holder.hasPrefix("agent/") || holder.hasPrefix("mcp/")
          ? .agents
          : .others
  }
}

/// The author of a request to the gate, with its permissions.
package struct Principal: Sendable, Hashable {
  /// The name in events and refusals: `agent/climate`, `client/alice`, `rule/hot`.
  package var name: String
  /// The devices that it may use.
  package var permissions: Permissions
  /// Whether it may make an actuator safe that another holds. True for people and the rules of the board.
  package var mayMakeSafe: Bool
  /// Whether its commands wait for nobody: true for people who may approve, and for the rules of the board.
  package var needsNoApproval: Bool
  /// The user behind it, who may not approve its commands; nil for rules and agents.
  package var user: UInt32?

  /// By default it may not make safe what another holds, and needs approval where the board file asks for it.
  package init(
    name: String, permissions: Permissions, mayMakeSafe: Bool = false, needsNoApproval: Bool = false,
    user: UInt32? = nil
  ) {
    self.name = name
    self.permissions = permissions
    self.mayMakeSafe = mayMakeSafe
    self.needsNoApproval = needsNoApproval
    self.user = user
  }
}
