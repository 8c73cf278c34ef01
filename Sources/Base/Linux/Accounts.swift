/// Users and groups by name, read from the files once: asking the name service could block on a network.
public struct Accounts: Sendable {
  /// Group numbers by name.
  private var groups: [String: UInt32]
  /// User names by number.
  private var users: [UInt32: String]
  /// User numbers by name.
  private var numbers: [String: UInt32]
  /// Users whose own group it is, by number, and names of further members.
  private var owners: [UInt32: Set<UInt32>] = [:]
  private var members: [UInt32: Set<String>] = [:]

  /// Takes the texts of `/etc/passwd` (passwd(5)) and `/etc/group` (group(5)).
  public init(passwd: String, group: String) {
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

  /// Reads this machine's files; one that cannot be read counts as empty.
  public static func ofThisMachine() -> Accounts {
    func text(_ path: String) -> String {
      (try? Files.read(path, limit: 4 << 20)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }
    return Accounts(passwd: text("/etc/passwd"), group: text("/etc/group"))
  }

  /// The number of a group; nil when there is none of that name.
  public func group(_ name: String) -> UInt32? { groups[name] }

  /// The number of a user; nil when there is none of that name.
  public func number(ofUser name: String) -> UInt32? { numbers[name] }

  /// The name of a group; nil when it has none.
  public func groupName(_ number: UInt32) -> String? { groups.filter { $0.value == number }.map(\.key).min() }

  /// Whether a user, and root, are all there are in a group, as in the group of his own that most systems give to each user. False
  /// for a group that is not in the files.
  public func isAlone(_ user: UInt32, in group: UInt32) -> Bool {
    guard groups.values.contains(group) else { return false }
    let known: Set<UInt32> = [user, 0]
    return owners[group, default: []].isSubset(of: known)
      && members[group, default: []].allSatisfy { numbers[$0].map(known.contains) ?? false }
  }

  /// Every group's name.
  public var groupNames: [String] { Array(groups.keys) }

  /// The name of a user, or `uid1000`.
  public func user(_ number: UInt32) -> String { users[number] ?? "uid\(number)" }

  private static func entries(_ text: String) -> [[Substring]] {
    text.split(separator: "\n").map { $0.split(separator: ":", omittingEmptySubsequences: false) }
  }
}
