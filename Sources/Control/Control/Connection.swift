import EventLoop
import Linux
import Model
import RPC

/// One client on the socket: a transport. Reads requests as fast as they are answered, and queues what the client has not
/// read yet, up to a bound.
final class Connection: Session {
  let number: UInt64
  let client: Client
  let share: UserShare
  let limits: Limits
  /// Why only an emergency stop is taken from it; nil for one that is served.
  let crowding: RPCError?
  let time: any Timekeeper
  unowned let server: ControlServer

  let socket: LineSocket
  var dialect = Dialect.jsonRPC

  var subscriptions: [Int64: Subscription] = [:]
  var lastSubscription: Int64 = 0
  private(set) var underWay = 0
  /// The client sends nothing more.
  var hasEnded = false
  /// The client reads nothing more.
  var isGone = false
  /// Nothing more is taken from it; it closes when everything is sent.
  var isClosing = false
  var pause: TimerID?
  var lineTimer: TimerID?
  var idleTimer: TimerID?
  /// When it last asked for something, or was answered.
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

  /// Begins to read.
  func start() throws(SystemError) {
    socket.onReady = { [weak self] in self?.isReady($0) }
    socket.onFlushDue = { [weak self] in self?.pump() }
    try socket.start()
    timeIdle(until: lastUse + idleTime)
  }

  /// How many bytes of an incomplete line it holds.
  var incomplete: Int { socket.buffered }
  /// How many bytes wait for the client.
  var waiting: Int { socket.waiting }

  /// Ends it now: subscriptions and leases end, what was not sent is lost.
  func close() {
    guard socket.isOpen else { return }
    socket.close()
    for timer in [pause, lineTimer, idleTimer] { if let timer { time.cancel(timer) } }
    endSubscriptions()
    server.connectionClosed(self)
  }

  /// Sends what goes at once, and ends it.
  func farewell() {
    flush()
    close()
  }

  // MARK: Answering

  /// Counts a request as under way; `answer` crosses it off.
  func begin() { underWay += 1 }

  /// Answers a request; one without an id is only crossed off.
  func answer(_ request: Request, _ outcome: Result<Value, RPCError>) {
    let line = request.id == nil ? nil : encoded(request, outcome)
    finish { if let line { socket.add(line) } }
  }

  /// Answers with a file beside the result.
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

  /// Says why, and closes as soon as that is sent.
  func turnAway(_ error: RPCError) {
    send(Response(id: nil, .failure(error), dialect: dialect).encoded())
    stopTaking()
  }

  /// Takes nothing more, and closes as soon as everything is answered and sent.
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
      // It has closed its end without waiting; what it sent before that is still read.
      isGone = true
      socket.discard()
      server.endLeases(of: self)
    }
    if isClosing && socket.waiting == 0 && underWay == 0 { return close() }
    socket.setInterest(reading: mayRead)
  }
}
