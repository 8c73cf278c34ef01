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
  /// The role of the connection for its whole life.
  package var role: Role

  /// Creates a client; the server takes the values from the socket's peer.
  package init(user: String, uid: UInt32, pid: Int32, role: Role) {
    self.user = user
    self.uid = uid
    self.pid = pid
    self.role = role
  }

  /// The client's name in events and as a holder of leases, e.g. `client/alice`.
  package var source: String { "client/\(user)" }

  /// The client's permissions for the board: it may read everything, and with role operate command everything.
  var principal: Principal {
    let everything = [EventPattern("*")]
    let operates = role >= .operate
    return Principal(
      name: source, permissions: operates ? .all : Permissions(sensors: everything, cameras: everything),
      mayMakeSafe: operates)
  }
}
