import Glibc
import Linux
import Model
import Wire

/// Users and groups by name, read from the files once: asking the name service could block on a network.
struct Accounts {
  /// Group numbers by name.
  private var groups: [String: UInt32]
  /// User names by number.
  private var users: [UInt32: String]

  /// Takes the texts of `/etc/passwd` (passwd(5)) and `/etc/group` (group(5)).
  init(passwd: String, group: String) {
    groups = [:]
    users = [:]
    for entry in Self.entries(group) where entry.count >= 3 {
      if let number = UInt32(entry[2]) { groups[String(entry[0])] = number }
    }
    for entry in Self.entries(passwd) where entry.count >= 4 {
      // The first line of a number wins, as in getpwuid(3).
      if let number = UInt32(entry[2]), users[number] == nil { users[number] = String(entry[0]) }
    }
  }

  /// Reads this machine's files; one that cannot be read counts as empty.
  static func ofThisMachine() -> Accounts {
    func text(_ path: String) -> String {
      (try? Files.read(path, limit: 4 << 20)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }
    return Accounts(passwd: text("/etc/passwd"), group: text("/etc/group"))
  }

  /// The number of a group; nil when there is none of that name.
  func group(_ name: String) -> UInt32? { groups[name] }

  /// Every group's name.
  var groupNames: [String] { Array(groups.keys) }

  /// The name of a user, or `uid1000`.
  func user(_ number: UInt32) -> String { users[number] ?? "uid\(number)" }

  private static func entries(_ text: String) -> [[Substring]] {
    text.split(separator: "\n").map { $0.split(separator: ":", omittingEmptySubsequences: false) }
  }
}

/// Which role a peer has: `docs/control.md`, 1.3.
struct RoleRules {
  private let view: UInt32?
  private let operate: UInt32?
  private let admin: UInt32?
  private let ownUser: UInt32
  private let socketGroup: UInt32

  /// Looks the groups of the settings up.
  /// - Parameters:
  ///   - ownUser: the user the daemon runs as.
  ///   - socketGroup: the group of the socket file.
  /// - Throws: when a group does not exist.
  init(
    _ settings: Settings, _ accounts: Accounts, ownUser: UInt32, socketGroup: UInt32
  ) throws(ControlError) {
    view = try Self.number(of: settings.viewGroup, "groups.view", accounts)
    operate = try Self.number(of: settings.operateGroup, "groups.operate", accounts)
    admin = try Self.number(of: settings.adminGroup, "groups.admin", accounts)
    self.ownUser = ownUser
    self.socketGroup = socketGroup
  }

  /// The peer's role; nil when it has none.
  func role(of peer: Peer) -> Role? {
    if isTrusted(peer.uid) || isMember(peer, admin) { return .admin }
    if isMember(peer, operate ?? socketGroup) { return .operate }
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
