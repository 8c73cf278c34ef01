import Model

/// What a caller may do; each role includes those before it.
public enum Role: Int, Sendable, Hashable, Comparable, CaseIterable {
  /// Look.
  case view
  /// Act: command actuators, start and end agents, publish events.
  case operate
  /// Change what the daemon is: register agents, reload, stop.
  case admin

  /// `view`, `operate` or `admin`.
  public var name: String { "\(self)" }

  public static func < (left: Role, right: Role) -> Bool { left.rawValue < right.rawValue }
}

extension Role {
  /// Requires a role.
  /// - Parameter action: what needs it, e.g. `call 'daemon.stop'`.
  /// - Throws: -32003 when this role is a lesser one.
  package func require(_ required: Role, to action: String) throws(RPCError) {
    guard self < required else { return }
    throw RPCError(
      .permissionDenied, "the role '\(name)' may not \(action)",
      data: ["role": .string(name), "required": .string(required.name)],
      hint: "'groups.\(required.name)' in openstarry.yaml says who may")
  }
}
