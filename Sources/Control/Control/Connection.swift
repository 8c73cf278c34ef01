import EventLoop
import Linux
import Model
import RPC

/// The transport of one client on the socket. Stops reading requests while too many are pending or unread answers fill
/// the queue.
final class Connection: Session {
  let number: UInt64
  private(set) var client: Client
  let share: UserShare
  let limits: Limits
  /// For a connection beyond the limits, which may only send an emergency stop: the refusal of other requests.
  /// Otherwise nil.
  let crowding: RPCError?
  let time: any Timekeeper
  unowned let server: ControlServer

  let socket: LineSocket
  var dialect = Dialect.jsonRPC

  var subscriptions: [Int64: Subscription] = [:]
  var lastSubscription: Int64 = 0
  private(set) var underWay = 0
  /// The client has ended its sending direction.
  var hasEnded = false
  /// The client has stopped reading.
  var isGone = false
  /// No more requests are read; the connection closes when all answers are sent.
  var isClosing = false
  /// The requests of this connection alone, once it has bound itself.
  var ownRequests: TokenBucket?
  var pause: TimerID?
  var lineTimer: TimerID?
  var idleTimer: TimerID?
  /// The time of the last request or answer.
  var lastUse: Instant

  init(
    _ number: UInt64, _ client: Client, _ share: UserShare, _ socket: consuming Descriptor, on loop: EventLoop,
    time: any Timekeeper, limits: Limits, server: ControlServer, crowding: RPCError?
  ) {
    self.number = number
    self.client = client
    self.share = share
    self.crowding = crowding
    self.limits = limits
    self.time = time
    self.server = server
    self.socket = LineSocket(socket, on: loop, limit: limits.line)
    lastUse = time.now
  }

  /// Starts reading, and starts the idle timer.
  func start() throws(SystemError) {
    socket.onReady = { [weak self] in self?.isReady($0) }
    socket.onFlushDue = { [weak self] in self?.pump() }
    try socket.start()
    timeIdle(until: lastUse + idleTime)
  }

  /// The number of buffered bytes of an incomplete line.
  var incomplete: Int { socket.buffered }
  /// The number of bytes that the client has not read.
  var waiting: Int { socket.waiting }

  /// Closes the connection at once: drops unsent bytes, and ends subscriptions and leases.
  func close() {
    guard socket.isOpen else { return }
    socket.close()
    for timer in [pause, lineTimer, idleTimer] { if let timer { time.cancel(timer) } }
    endSubscriptions()
    server.connectionClosed(self)
  }

  /// Sends as much as the socket accepts, and closes the connection.
  func farewell() {
    flush()
    close()
  }

  /// Binds the connection for the rest of its life.
  /// - Throws: -32003 when it is bound already, or has taken leases or subscriptions as a person.
  func restrict(to role: Role, _ devices: [EventPattern], rate: Int) throws(RPCError) {
    guard client.restriction == nil, subscriptions.isEmpty, server.leases.devices(of: number).isEmpty,
      !server.services.hardware.approvals.isWaiting(session: number)
    else {
      throw RPCError(
        .permissionDenied,
        client.restriction == nil
          ? "a session that has leases, subscriptions or commands that wait cannot be restricted"
          : "this session is restricted already",
        data: ["role": .string(client.role.name), "required": .string(client.role.name)],
        hint: "'session.restrict' is the first request of a connection")
    }
    client.role = min(client.role, role)
    client.restriction = Restriction(session: number, devices: devices)
    ownRequests = TokenBucket(rate, at: time.now)
  }

  // MARK: Answering

  func begin() { underWay += 1 }

  func answer(_ request: Request, _ outcome: Result<Value, RPCError>) {
    let line = request.id == nil ? nil : encoded(request, outcome)
    finish { if let line { socket.add(line) } }
  }

  func answer(_ request: Request, _ result: Value, with file: consuming Descriptor) {
    guard request.id != nil else { return finish {} }
    let line = encoded(request, .success(result))
    if isGone { return finish {} }
    socket.add(line, with: file)
    finish {}
  }

  private func finish(_ add: () -> Void) {
    underWay -= 1
    lastUse = time.now
    guard socket.isOpen else { return }
    if !isGone { add() }
    socket.planFlush()
  }

  private func encoded(_ request: Request, _ outcome: Result<Value, RPCError>) -> [UInt8] {
    let line = Response(id: request.id, outcome, dialect: request.dialect).encoded()
    if line.count <= LineFramer.limit + 1 { return line }
    let error = RPCError(
      .answerTooLong, "the answer to '\(request.method)' would be \(line.count) bytes long",
      hint: "ask for less at once")
    return Response(id: request.id, .failure(error), dialect: request.dialect).encoded()
  }

  func send(_ line: [UInt8]) {
    guard socket.isOpen, !isGone else { return }
    socket.add(line)
    socket.planFlush()
  }

  /// Sends an error that concerns the connection, and closes once it is sent.
  func turnAway(_ error: RPCError) {
    send(Response(id: nil, .failure(error), dialect: dialect).encoded())
    stopTaking()
  }

  /// Reads no more requests; the connection closes once all pending requests are answered and sent.
  func stopTaking() {
    isClosing = true
    endSubscriptions()
    server.endLeases(of: self)
  }

  func flush() {
    guard socket.isOpen else { return }
    do throws(SystemError) {
      try socket.flush()
      tellMissed()
    } catch {
      // The client has closed the connection. Requests that it sent before are still carried out.
      isGone = true
      socket.discard()
      server.endLeases(of: self)
    }
    if isClosing && socket.waiting == 0 && underWay == 0 { return close() }
    socket.setInterest(reading: mayRead)
  }
}
