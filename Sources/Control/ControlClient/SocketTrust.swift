import Glibc
import Linux
import Wire

/// The users whose sockets are used without `--socket`: root, the daemon's user, and the user of this process.
///
/// Any user can put a socket into a shared folder, and answer there that everything is safe.
package struct SocketTrust: Sendable {
  private let users: Set<UInt32>
  private let accounts: Accounts

  /// Trusts `users` only.
  /// - Parameter accounts: resolves the names of other users for messages.
  package init(users: Set<UInt32>, accounts: Accounts) {
    self.users = users
    self.accounts = accounts
  }

  /// Trusts root, the user of this process, the user `openstarry`, and the owner of `folder`.
  /// - Parameter folder: the runtime folder of the system service. Only root can create it, so its owner is the user of
  ///   the service.
  package static func ofThisMachine(folder: String) -> SocketTrust {
    let accounts = Accounts.ofThisMachine()
    var users: Set<UInt32> = [0, geteuid()]
    if let daemon = accounts.number(ofUser: "openstarry") { users.insert(daemon) }
    if let service = try? FileStatus(folder).owner { users.insert(service) }
    return SocketTrust(users: users, accounts: accounts)
  }

  /// Checks the owners of the socket file and of all folders and symbolic links on the way to it, before connecting.
  /// - Throws: `foreignSocket`.
  func check(_ path: String) throws(ClientError) {
    let owners = SocketOwner.users(of: path)
    // Root can redirect every path: its folders and links are trusted whatever `users` are.
    var foreign = owners.way.first { $0 != 0 && !users.contains($0) }
    if let file = owners.file, !users.contains(file) { foreign = foreign ?? file }
    if let foreign { throw .foreignSocket(path, user: accounts.user(foreign)) }
  }

  /// Checks the user of the listening process.
  /// - Throws: `foreignDaemon`.
  func check(_ socket: Int32, _ path: String) throws(ClientError) {
    let peer: Peer
    do throws(SystemError) { peer = try Peer(of: socket) } catch { throw .system(error) }
    guard users.contains(peer.uid) else { throw .foreignDaemon(path, user: accounts.user(peer.uid)) }
  }
}
