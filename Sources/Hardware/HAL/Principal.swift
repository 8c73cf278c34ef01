import Model

/// Who asks the hardware layer for something, and what they may have.
public struct Principal: Sendable, Hashable {
  /// As it stands in events and refusals: `agent/climate`, `client/alice`, `rule/hot`.
  public var name: String
  /// What it may reach.
  public var permissions: Permissions
  /// Whether it may put an actuator into its safe state whoever holds it: people and the rules of the board may.
  public var mayMakeSafe: Bool

  /// Puts a principal together.
  public init(name: String, permissions: Permissions, mayMakeSafe: Bool = false) {
    self.name = name
    self.permissions = permissions
    self.mayMakeSafe = mayMakeSafe
  }
}
