import HAL
import Model
import RPC

/// Who is connected, as the kernel says.
public struct Client: Sendable, Hashable {
  /// The user's name, or `uid1000` when it has none here.
  public var user: String
  /// The user's number.
  public var uid: UInt32
  /// The process that connected.
  public var pid: Int32
  /// What it may do.
  public var role: Role

  /// A client with these properties.
  public init(user: String, uid: UInt32, pid: Int32, role: Role) {
    self.user = user
    self.uid = uid
    self.pid = pid
    self.role = role
  }

  /// As it stands in events: `client/alice`.
  public var source: String { "client/\(user)" }

  /// What it may reach on the board: everything to look at, and with the role `operate` everything to command.
  var principal: Principal {
    let everything = [EventPattern("*")]
    let operates = role >= .operate
    return Principal(
      name: source, permissions: operates ? .all : Permissions(sensors: everything, cameras: everything),
      mayMakeSafe: operates)
  }
}
