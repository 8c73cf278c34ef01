import Agent
import EventLoop
import Glibc
import HAL
import Linux
import Model
import Rules
import Wire

/// The control plane: a Unix socket on which clients watch and command the daemon. `docs/control.md` is its contract.
///
/// Everything happens on the loop's thread. Nothing a client does makes it wait or grow without bound.
public final class ControlServer {
  private let loop: EventLoop
  private let settings: Settings
  private let services: Services
  private let time: any Timekeeper
  private let limits: Limits
  private let registry: MethodRegistry
  private var accounts = Accounts(passwd: "", group: "")
  private var roles: RoleRules?
  private var claim: SocketClaim?
  private var acceptor: Acceptor?
  private var connections: [UInt64: Connection] = [:]
  private var lastConnection: UInt64 = 0
  /// Who gets which role; tests, whose clients are all one user, put their own here.
  var grant: (RoleRules, Peer) -> Role? = { $0.role(of: $1) }

  var status: ServerStatus { services.status }

  /// Whether a daemon has the socket at `path`, or starts there at this moment.
  public static func isClaimed(_ path: String) -> Bool { SocketClaim.isTaken(path) }

  /// Puts a server together; nothing is opened until `start`.
  /// - Parameters:
  ///   - loop: where it runs.
  ///   - settings: the socket, its mode, and the groups.
  ///   - zone: the daemon as a whole.
  ///   - simulation: what `hal.simulate` changes; nil on a board with nothing simulated.
  ///   - time: for limits and timeouts; nil takes the loop's.
  public convenience init(
    loop: EventLoop, settings: Settings, zone: any ZoneControl, agents: any AgentControl, events: any EventHistory,
    sink: any EventSink, rules: any RuleControl, hardware: Hardware, simulation: (any SimulationControl)? = nil,
    time: (any Timekeeper)? = nil
  ) {
    self.init(
      loop: loop, settings: settings, zone: zone, agents: agents, events: events, sink: sink, rules: rules,
      hardware: hardware, simulation: simulation, time: time ?? loop, limits: Limits())
  }

  init(
    loop: EventLoop, settings: Settings, zone: any ZoneControl, agents: any AgentControl, events: any EventHistory,
    sink: any EventSink, rules: any RuleControl, hardware: Hardware, simulation: (any SimulationControl)?,
    time: any Timekeeper, limits: Limits
  ) {
    self.loop = loop
    self.settings = settings
    self.time = time
    self.limits = limits
    registry = MethodRegistry()
    services = Services(
      zone: zone, agents: agents, events: events, sink: sink, rules: rules, hardware: hardware, simulation: simulation,
      time: time, leases: LeaseTable(), methods: registry,
      status: ServerStatus(socket: settings.socket, started: time.now))
  }

  /// Opens the socket and begins to answer.
  /// - Throws: another daemon has the socket, a group does not exist, the socket cannot be made.
  public func start() throws(ControlError) {
    accounts = Accounts.ofThisMachine()
    // Named groups are checked before anything is touched.
    _ = try RoleRules(settings, accounts, ownUser: geteuid(), socketGroup: getegid())
    let group = (settings.viewGroup ?? settings.operateGroup ?? settings.adminGroup).flatMap(accounts.group)
    let claim = try SocketClaim(settings.socket, mode: settings.socketMode, group: group)
    roles = try RoleRules(
      settings, accounts, ownUser: geteuid(), socketGroup: SocketClaim.group(of: settings.socket) ?? getegid())
    let acceptor = Acceptor(claim.listener.number, on: loop, time: time) { [unowned self] socket in welcome(socket) }
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

  // MARK: Connections

  /// How many bytes of incomplete lines all clients have sent.
  var incomplete: Int { connections.values.reduce(0) { $0 + $1.incomplete } }

  /// How many bytes wait for clients.
  var waiting: Int { connections.values.reduce(0) { $0 + $1.waiting } }

  private func welcome(_ socket: consuming Descriptor) {
    guard let roles, let peer = try? Peer(of: socket.number) else { return }
    let user = accounts.user(peer.uid)
    guard let role = grant(roles, peer) else {
      return refuse(
        socket,
        RPCError(
          .permissionDenied, "user '\(user)' may not use this daemon",
          hint: "become a member of the group '\(settings.viewGroup ?? "openstarry")'"))
    }
    let ofUser = connections.values.count { $0.client.uid == peer.uid }
    guard connections.count < limits.connections, roles.isTrusted(peer.uid) || ofUser < limits.connectionsOfUser else {
      return refuse(
        socket,
        RPCError(
          .rateLimited, "there are \(connections.count) connections, \(ofUser) of them of '\(user)'",
          hint: "close some and try again"))
    }
    lastConnection += 1
    let client = Client(user: user, uid: peer.uid, pid: peer.pid, role: role)
    let connection = Connection(
      lastConnection, client, socket, on: loop, time: time, limits: limits, server: self)
    connections[connection.number] = connection
    status.connections = connections.count
    do throws(SystemError) {
      try connection.start()
    } catch {
      connection.close()
    }
  }

  /// Says why in one line, and closes.
  private func refuse(_ socket: consuming Descriptor, _ error: RPCError) {
    _ = try? UnixSocket.send(socket.number, Response(id: nil, .failure(error)).encoded()[...])
  }

  func connectionClosed(_ connection: Connection) {
    connections[connection.number] = nil
    status.connections = connections.count
    for device in services.leases.take(of: connection.number) {
      // Nothing to do when it has ended by itself, or somebody with more rights has taken it over.
      _ = try? services.hardware.release(device, holder: connection.client.source, reason: "connection-closed")
    }
    acceptor?.resume()
  }

  // MARK: Requests

  func handle(_ request: Request, from connection: Connection) {
    do throws(RPCError) {
      let method = try registry.method(request.method)
      try Self.check(connection.client.role, method.role, "call '\(method.name)'")
      let arguments = try Arguments(request.params, for: method.parameters)
      let cause = method.isCommand ? publishCommand(method, arguments, connection.client) : nil
      let call = Call(request, arguments, from: connection, services: services, cause: cause)
      if let result = try method.handler(call) { call.answer(.success(result)) }
    } catch {
      connection.answer(request, .failure(error))
    }
  }

  /// Holds a client's role against what something takes.
  static func check(_ role: Role, _ required: Role, _ what: String) throws(RPCError) {
    guard role < required else { return }
    throw RPCError(
      .permissionDenied, "the role '\(role.name)' may not \(what)",
      data: ["role": .string(role.name), "required": .string(required.name)],
      hint: "'groups.\(required.name)' in openstarry.yaml says who may")
  }

  private func publishCommand(_ method: Method, _ arguments: Arguments, _ client: Client) -> Cause {
    var payload: Fields = [
      "method": .string(method.name), "client": .string(client.user), "pid": .int(Int64(client.pid)),
    ]
    for (name, value) in arguments.simple where payload[name] == nil { payload[name] = value }
    return Cause(services.sink.publish("system:command", from: client.source, payload))
  }
}
