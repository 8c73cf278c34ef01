import HAL
import Model
import RPC

/// The identity and the role of a connected client, as determined by the kernel.
package struct Client: Sendable, Hashable {
  /// The user's name; `uid1000` for a user without a name.
  package var user: String
  /// The user id.
  package var uid: UInt32
  /// The process that connected.
  package var pid: Int32
  /// The role of the connection. It never rises.
  package var role: Role
  /// Whether the user may approve commands: `groups.approve`.
  package var isApprover: Bool
  /// What the connection has bound itself to; nil for a person.
  package var restriction: Restriction?

  /// Creates a client; the server takes the values from the socket's peer.
  package init(user: String, uid: UInt32, pid: Int32, role: Role, isApprover: Bool = false) {
    self.user = user
    self.uid = uid
    self.pid = pid
    self.role = role
    self.isApprover = isApprover
  }

  /// The client's name in events and as a holder of leases: `client/alice` for a person, and `mcp/alice/17` for a
  /// program that has bound itself.
  package var source: String { restriction.map { "mcp/\(user)/\($0.session)" } ?? "client/\(user)" }

  /// The client's permissions for the board: a person may read everything, and with role operate command everything.
  var principal: Principal {
    let devices = restriction?.devices ?? [EventPattern("*")]
    let operates = role >= .operate
    return Principal(
      name: source,
      permissions: Permissions(sensors: devices, actuators: operates ? devices : [], cameras: devices),
      mayMakeSafe: operates && restriction == nil, needsNoApproval: isApprover && restriction == nil, user: uid)
  }
}
