import Glibc
import Linux
import Wire

/// Whose sockets are used although nobody has named them: root's, the daemon's user's, and one's own.
///
/// Anybody can put a socket into a folder that others come to, and answer there that everything is safe.
public struct SocketTrust: Sendable {
  private let users: Set<UInt32>
  private let accounts: Accounts

  /// Trusts these users.
  /// - Parameter accounts: for the names of others, in messages.
  public init(users: Set<UInt32>, accounts: Accounts) {
    self.users = users
    self.accounts = accounts
  }

  /// Trusts root, the user of this process, the user `openstarry`, and the one that the system's service runs as when
  /// that is another: its folder, in which nobody but root can make one, is `folder`.
  public static func ofThisMachine(folder: String) -> SocketTrust {
    let accounts = Accounts.ofThisMachine()
    var users: Set<UInt32> = [0, geteuid()]
    if let daemon = accounts.number(ofUser: "openstarry") { users.insert(daemon) }
    users.formUnion(SocketOwner.users(of: folder))
    return SocketTrust(users: users, accounts: accounts)
  }

  /// Looks at the file, before anything is sent to it.
  /// - Throws: `foreignSocket`.
  func check(_ path: String) throws(ClientError) {
    for user in SocketOwner.users(of: path) where !users.contains(user) {
      throw .foreignSocket(path, user: accounts.user(user))
    }
  }

  /// Looks at who listens.
  /// - Throws: `foreignDaemon`.
  func check(_ socket: Int32, _ path: String) throws(ClientError) {
    let peer: Peer
    do throws(SystemError) { peer = try Peer(of: socket) } catch { throw .system(error) }
    guard users.contains(peer.uid) else { throw .foreignDaemon(path, user: accounts.user(peer.uid)) }
  }
}
