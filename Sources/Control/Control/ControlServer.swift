import EventLoop
import Glibc
import Linux
import Model
import RPC
import Wire

/// The control plane: a Unix socket for clients that watch and command the daemon. `docs/control.md` is its contract.
///
/// Confined to the loop's thread. No client can block it, or make its memory grow without bound.
package final class ControlServer {
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
  /// Begins at the microseconds since the start of the board, so that no name of a restricted session comes back when the
  /// daemon starts again.
  var lastConnection: UInt64
  /// By user id.
  var shares: [UInt32: UserShare] = [:]
  /// Identifies the process at the other end of a socket. Tests replace it, because their clients have the same user.
  var peer: (Int32) -> Peer? = { try? Peer(of: $0) }
  /// Determines a peer's role. Tests replace it, because their clients have the same user.
  var grant: (RoleRules, Peer) -> Role? = { $0.role(of: $1) }

  /// Whether a daemon owns the socket at `path`, or is starting with it.
  package static func isClaimed(_ path: String) -> Bool { SocketClaim.isTaken(path) }

  /// Creates a server that opens nothing until `start`.
  /// - Parameters:
  ///   - loop: the event loop, also for all callbacks.
  ///   - settings: the socket's path and mode, and the groups.
  ///   - services: the parts of the daemon that methods use.
  ///   - time: the clock for limits and time-outs; nil for the loop's.
  package convenience init(
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
    lastConnection = time.now.nanoseconds / 1000
    services.hardware.approvals.onGranted = { [weak self] in self?.begin(leaseOf: $0) }
  }

  /// Opens the socket and starts serving.
  /// - Throws: `alreadyRunning`, `noSuchGroup`, or the reason that the socket cannot be created.
  package func start() throws(ControlError) {
    accounts = Accounts.ofThisMachine()
    // Check the settings' groups before changing anything.
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

  /// Closes every connection and removes the socket. Queued answers are sent as far as the sockets accept them at once.
  package func stop() {
    acceptor?.stop()
    acceptor = nil
    for connection in connections.values.sorted(by: { $0.number < $1.number }) { connection.farewell() }
    claim?.remove()
    claim = nil
  }

  // MARK: Requests

  func handle(_ reply: Reply, from connection: Connection) {
    let client = connection.client
    let origin = origin(of: reply.request, client)
    do throws(RPCError) {
      if let method = try? ControlMethods.table.method(reply.request.method) { try client.restriction?.require(method) }
    } catch {
      return reply.give(.failure(error))
    }
    ControlMethods.table.dispatch(reply, as: client.role) { (method, arguments) throws(RPCError) in
      try client.restriction?.require(arguments)
      return Call(
        reply, client, on: connection, of: self,
        cause: method.isCommand ? publishCommand(method, arguments, client, origin) : origin)
    }
  }

  /// What the caller says that the request is part of; nil for nothing. A restricted session does not join a chain of the
  /// daemon's, because the events of a chain are limited.
  private func origin(of request: Request, _ client: Client) -> Cause? {
    guard let trace = request.trace else { return nil }
    if client.restriction != nil, isOwn(trace.trace) { return nil }
    return trace.cause
  }

  /// Whether the oldest retained event of a trace was not set off by the span of a request.
  private func isOwn(_ trace: ULID) -> Bool {
    if services.events.event(trace) != nil { return true }
    let retained = services.events.events(matching: EventPattern("*"), last: .max, since: nil)
    guard let oldest = retained.first(where: { $0.trace == trace }) else { return false }
    return oldest.cause.map { $0.high != 0 } ?? true
  }

  private func publishCommand(
    _ method: Method<Call>, _ arguments: Arguments, _ client: Client, _ origin: Cause?
  ) -> Cause {
    let name = client.restriction == nil ? client.user : client.source
    let command = SystemEvents.command(method.name, by: name, pid: Int(client.pid), arguments.recorded)
    return Cause(services.sink.publish(command, from: client.source, cause: origin))
  }
}
