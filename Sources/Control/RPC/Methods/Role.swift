import Model

/// The rights of a caller; each role includes the lower ones.
package enum Role: Int, Sendable, Hashable, Comparable, CaseIterable {
  /// Read only.
  case view
  /// Command actuators, start and end agents, publish events.
  case operate
  /// Administer the daemon: register agents, reload, stop.
  case admin

  /// `view`, `operate` or `admin`.
  package var name: String { "\(self)" }

  package static func < (left: Role, right: Role) -> Bool { left.rawValue < right.rawValue }
}

extension Role {
  /// Checks that this role includes `required`.
  /// - Parameter action: the action for the message, e.g. `call 'daemon.stop'`.
  /// - Throws: -32003 when this role is lower.
  package func require(_ required: Role, to action: String) throws(RPCError) {
    guard self < required else { return }
    throw RPCError(
      .permissionDenied, "the role '\(name)' may not \(action)",
      data: ["role": .string(name), "required": .string(required.name)],
      hint: "'groups.\(required.name)' in openstarry.yaml names the group with this role")
  }
}
