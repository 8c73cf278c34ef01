/// Users and groups, read once from the files: the name service could block on a network.
package struct Accounts: Sendable {
  /// Group numbers by name.
  private var groups: [String: UInt32]
  /// User names by number.
  private var users: [UInt32: String]
  /// User numbers by name.
  private var numbers: [String: UInt32]
  /// For each group's number, the users with that primary group.
  private var owners: [UInt32: Set<UInt32>] = [:]
  /// For each group's number, the names of its further members.
  private var members: [UInt32: Set<String>] = [:]

  /// Parses the texts of `/etc/passwd` (passwd(5)) and `/etc/group` (group(5)); malformed lines are skipped.
  package init(passwd: String, group: String) {
    groups = [:]
    users = [:]
    numbers = [:]
    for entry in Self.entries(group) where entry.count >= 3 {
      guard let number = UInt32(entry[2]) else { continue }
      groups[String(entry[0])] = number
      if entry.count >= 4 { members[number, default: []].formUnion(entry[3].split(separator: ",").map(String.init)) }
    }
    for entry in Self.entries(passwd) where entry.count >= 4 {
      guard let number = UInt32(entry[2]) else { continue }
      let name = String(entry[0])
      if let group = UInt32(entry[3]) { owners[group, default: []].insert(number) }
      // The first line of a number or a name wins, as in getpwuid(3) and getpwnam(3).
      if users[number] == nil { users[number] = name }
      if numbers[name] == nil { numbers[name] = number }
    }
  }

  /// The accounts of this machine; an unreadable file counts as empty.
  package static func ofThisMachine() -> Accounts {
    func text(_ path: String) -> String {
      (try? Files.read(path, limit: 4 << 20)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }
    return Accounts(passwd: text("/etc/passwd"), group: text("/etc/group"))
  }

  /// The number of a group; nil when no group has that name.
  package func group(_ name: String) -> UInt32? { groups[name] }

  /// The number of a user; nil when no user has that name.
  package func number(ofUser name: String) -> UInt32? { numbers[name] }

  /// The name of a group, the first in alphabetical order if it has several; nil when the number is unknown.
  package func groupName(_ number: UInt32) -> String? { groups.filter { $0.value == number }.map(\.key).min() }

  /// Whether a group has no members but `user` and root, like the private group that most systems give each user. False
  /// for an unknown group.
  package func isAlone(_ user: UInt32, in group: UInt32) -> Bool {
    guard groups.values.contains(group) else { return false }
    let known: Set<UInt32> = [user, 0]
    return owners[group, default: []].isSubset(of: known)
      && members[group, default: []].allSatisfy { numbers[$0].map(known.contains) ?? false }
  }

  /// The names of all groups, unsorted.
  package var groupNames: [String] { Array(groups.keys) }

  /// The name of a user; `uid1000` and the like when it has none.
  package func user(_ number: UInt32) -> String { users[number] ?? "uid\(number)" }

  private static func entries(_ text: String) -> [[Substring]] {
    text.split(separator: "\n").map { $0.split(separator: ":", omittingEmptySubsequences: false) }
  }
}
