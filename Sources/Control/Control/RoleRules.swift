import Linux
import Model
import RPC
import Wire

/// The mapping of users and groups to roles: `docs/control.md`, 1.3.
struct RoleRules {
  private let view: UInt32?
  private let operate: UInt32?
  private let admin: UInt32?
  private let approve: UInt32?
  private let ownUser: UInt32
  private let ownGroup: UInt32

  /// Resolves the groups in the settings.
  /// - Parameters:
  ///   - ownUser: the daemon's user.
  ///   - ownGroup: the daemon's group; its members have the role operate if the settings name no group for it.
  /// - Throws: `noSuchGroup`.
  init(
    _ settings: Settings, _ accounts: Accounts, ownUser: UInt32, ownGroup: UInt32
  ) throws(ControlError) {
    view = try Self.number(of: settings.viewGroup, "groups.view", accounts)
    operate = try Self.number(of: settings.operateGroup, "groups.operate", accounts)
    admin = try Self.number(of: settings.adminGroup, "groups.admin", accounts)
    approve = try Self.number(of: settings.approveGroup, "groups.approve", accounts)
    self.ownUser = ownUser
    self.ownGroup = ownGroup
  }

  /// The highest role of the peer; nil for none.
  func role(of peer: Peer) -> Role? {
    if isTrusted(peer.uid) || isMember(peer, admin) { return .admin }
    if isMember(peer, operate ?? ownGroup) { return .operate }
    return view == nil || isMember(peer, view) ? .view : nil
  }

  /// Whether the user is root or the daemon's own.
  func isTrusted(_ uid: UInt32) -> Bool { uid == 0 || uid == ownUser }

  /// Whether the user may approve commands of others.
  func isApprover(_ peer: Peer) -> Bool { peer.uid == 0 || isMember(peer, approve) }

  private func isMember(_ peer: Peer, _ group: UInt32?) -> Bool { group.map(peer.groups.contains) ?? false }

  private static func number(
    of name: String?, _ key: String, _ accounts: Accounts
  ) throws(ControlError) -> UInt32? {
    guard let name else { return nil }
    guard let number = accounts.group(name) else {
      throw .noSuchGroup(
        name, key: key, suggestion: Suggestion.closest(to: name, in: accounts.groupNames.sorted()))
    }
    return number
  }
}
