import EventLoop
import Linux
import Model
import RPC
import Wire

/// One client on the socket: a transport. Reads requests as fast as they are answered, and queues what the client has not
/// read yet, up to a bound.
final class Connection: Session {
  let number: UInt64
  let client: Client
  let share: UserShare
  let limits: Limits
  /// Why only an emergency stop is taken from it; nil for one that is served.
  let crowding: RPCError?
  let loop: EventLoop
  let time: any Timekeeper
  unowned let server: ControlServer

  var socket: Descriptor?
  var watch: WatchID?
  var interest: Readiness = .readable
  var framer: LineFramer
  var outbox = Outbox()
  var dialect = Dialect.jsonRPC

  var subscriptions: [Int64: Subscription] = [:]
  var lastSubscription: Int64 = 0
  private(set) var underWay = 0
  var isFlushPlanned = false
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
    self.loop = loop
    self.time = time
    self.server = server
    self.socket = consume socket
    framer = LineFramer(limit: limits.line)
    lastUse = time.now
  }

  /// Begins to read.
  func start() throws(SystemError) {
    guard let number = socket?.number else { return }
    watch = try loop.watch(number, for: interest) { [weak self] ready in self?.isReady(ready) }
    timeIdle(until: lastUse + idleTime)
  }

  /// How many bytes of an incomplete line it holds.
  var incomplete: Int { framer.buffered }
  /// How many bytes wait for the client.
  var waiting: Int { outbox.waiting }

  /// Ends it now: subscriptions and leases end, what was not sent is lost.
  func close() {
    guard socket != nil else { return }
    if let watch { loop.unwatch(watch) }
    watch = nil
    socket = nil
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
    finish { if let line { outbox.add(line) } }
  }

  /// Answers with a file beside the result.
  func answer(_ request: Request, _ result: Value, with file: consuming Descriptor) {
    guard request.id != nil else { return finish {} }
    let line = encoded(request, .success(result))
    if isGone { return finish {} }
    outbox.add(line, with: file)
    finish {}
  }

  private func finish(_ add: () -> Void) {
    underWay -= 1
    lastUse = time.now
    guard socket != nil else { return }
    if !isGone { add() }
    planFlush()
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
    guard socket != nil, !isGone else { return }
    outbox.add(line)
    planFlush()
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

  /// Everything that is added during one turn of the loop goes out at once.
  func planFlush() {
    guard !isFlushPlanned else { return }
    isFlushPlanned = true
    loop.later { [weak self] in
      guard let self else { return }
      isFlushPlanned = false
      pump()
    }
  }

  func flush() {
    guard let number = socket?.number else { return }
    do throws(SystemError) {
      try outbox.flush(to: number)
      tellMissed()
    } catch {
      // It has closed its end without waiting; what it sent before that is still read.
      isGone = true
      outbox.discard()
      server.endLeases(of: self)
    }
    if isClosing && outbox.waiting == 0 && underWay == 0 { return close() }
    var interest: Readiness = []
    if mayRead { interest.insert(.readable) }
    if outbox.waiting > 0 { interest.insert(.writable) }
    guard interest != self.interest, let watch else { return }
    self.interest = interest
    // It fails only for a descriptor that is not watched, and this one is.
    try? loop.change(watch, to: interest)
  }
}
