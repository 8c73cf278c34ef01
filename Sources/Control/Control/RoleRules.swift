import Linux
import Model
import RPC
import Wire

/// Which role a peer has: `docs/control.md`, 1.3.
struct RoleRules {
  private let view: UInt32?
  private let operate: UInt32?
  private let admin: UInt32?
  private let ownUser: UInt32
  private let ownGroup: UInt32

  /// Looks the groups of the settings up.
  /// - Parameters:
  ///   - ownUser: the user the daemon runs as.
  ///   - ownGroup: the group it runs as, whose members act when the settings name nobody who may.
  /// - Throws: when a group does not exist.
  init(
    _ settings: Settings, _ accounts: Accounts, ownUser: UInt32, ownGroup: UInt32
  ) throws(ControlError) {
    view = try Self.number(of: settings.viewGroup, "groups.view", accounts)
    operate = try Self.number(of: settings.operateGroup, "groups.operate", accounts)
    admin = try Self.number(of: settings.adminGroup, "groups.admin", accounts)
    self.ownUser = ownUser
    self.ownGroup = ownGroup
  }

  /// The peer's role; nil when it has none.
  func role(of peer: Peer) -> Role? {
    if isTrusted(peer.uid) || isMember(peer, admin) { return .admin }
    if isMember(peer, operate ?? ownGroup) { return .operate }
    return view == nil || isMember(peer, view) ? .view : nil
  }

  /// Root and the daemon's own user.
  func isTrusted(_ uid: UInt32) -> Bool { uid == 0 || uid == ownUser }

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
