import Model

/// Who asks the hardware layer for something, and what they may have.
public struct Principal: Sendable, Hashable {
  /// As it stands in events and refusals: `agent/climate`, `client/alice`, `rule/hot`.
  public var name: String
  /// What it may reach.
  public var permissions: Permissions

  /// Puts a principal together.
  public init(name: String, permissions: Permissions) {
    self.name = name
    self.permissions = permissions
  }
}
