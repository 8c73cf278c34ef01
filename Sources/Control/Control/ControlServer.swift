import EventLoop
import Glibc
import Linux
import Model
import RPC
import Wire

/// The control plane: a Unix socket on which clients watch and command the daemon. `docs/control.md` is its contract.
///
/// Everything happens on the loop's thread. Nothing a client does makes it wait or grow without bound.
public final class ControlServer {
  let loop: EventLoop
  let settings: Settings
  let services: Services
  let time: any Timekeeper
  let limits: Limits
  let status: ServerStatus
  let leases = LeaseTable()
  private(set) var accounts = Accounts(passwd: "", group: "")
  private(set) var roles: RoleRules?
  private var claim: SocketClaim?
  private(set) var acceptor: Acceptor?
  var connections: [UInt64: Connection] = [:]
  var lastConnection: UInt64 = 0
  /// By user number.
  var shares: [UInt32: UserShare] = [:]
  /// The process at the other end of a socket. Tests replace it: their clients are all one user.
  var peer: (Int32) -> Peer? = { try? Peer(of: $0) }
  /// A peer's role. Tests replace it: their clients are all one user.
  var grant: (RoleRules, Peer) -> Role? = { $0.role(of: $1) }

  /// Whether a daemon has the socket at `path`, or starts there at this moment.
  public static func isClaimed(_ path: String) -> Bool { SocketClaim.isTaken(path) }

  /// A server that opens nothing until `start`.
  /// - Parameters:
  ///   - loop: where it runs.
  ///   - settings: the socket, its mode, and the groups.
  ///   - services: what the methods work on.
  ///   - time: for limits and timeouts; nil takes the loop's.
  public convenience init(
    loop: EventLoop, settings: Settings, services: Services, time: (any Timekeeper)? = nil
  ) {
    self.init(loop: loop, settings: settings, services: services, time: time ?? loop, limits: Limits())
  }

  init(loop: EventLoop, settings: Settings, services: Services, time: any Timekeeper, limits: Limits) {
    self.loop = loop
    self.settings = settings
    self.services = services
    self.time = time
    self.limits = limits
    status = ServerStatus(socket: settings.socket, started: time.now)
  }

  /// Opens the socket and begins to answer.
  /// - Throws: another daemon has the socket, a group does not exist, the socket cannot be made.
  public func start() throws(ControlError) {
    accounts = Accounts.ofThisMachine()
    // Named groups are checked before anything is touched.
    roles = try RoleRules(settings, accounts, ownUser: geteuid(), ownGroup: getegid())
    let group = (settings.viewGroup ?? settings.operateGroup ?? settings.adminGroup).flatMap(accounts.group)
    let claim = try SocketClaim(settings.socket, mode: settings.socketMode, group: group ?? getegid())
    let acceptor = Acceptor(claim.listener.number, on: loop, time: time) { [unowned self] socket, isLast in
      welcome(socket, isLast: isLast)
    }
    do throws(SystemError) {
      try acceptor.start()
    } catch {
      throw .system(error, hint: "the process has too many descriptors open")
    }
    self.acceptor = acceptor
    self.claim = consume claim
  }

  /// Closes every connection and removes the socket. What was answered before is sent as far as it goes at once.
  public func stop() {
    acceptor?.stop()
    acceptor = nil
    for connection in connections.values.sorted(by: { $0.number < $1.number }) { connection.farewell() }
    claim?.remove()
    claim = nil
  }

  // MARK: Requests

  func handle(_ reply: Reply, from connection: Connection) {
    let client = connection.client
    ControlMethods.table.dispatch(reply, as: client.role) { method, arguments in
      Call(
        reply, client, on: connection, of: self,
        cause: method.isCommand ? publishCommand(method, arguments, client) : nil)
    }
  }

  private func publishCommand(_ method: Method<Call>, _ arguments: Arguments, _ client: Client) -> Cause {
    let command = SystemEvents.command(method.name, by: client.user, pid: Int(client.pid), arguments.recorded)
    return Cause(services.sink.publish(command, from: client.source))
  }
}
