import ControlClient
import EventLoop
import Linux
import MCPServer
import Model
import RPC

/// The board behind a daemon's control socket: a session that has bound itself before anything else is sent.
///
/// The daemon closes sessions that are idle, and may start again; the next call then opens another.
final class DaemonBoard: BoardAccess {
  private let socket: String
  private let trust: SocketTrust?
  private let bounds: Fields
  let loop: EventLoop
  private var session: LoopClient?
  private var known: Catalogue?
  private var waiting: [(Result<Catalogue, RPCError>) -> Void] = []
  private var isOpening = false
  /// What was offered last, to notice that it has changed.
  private var former: Catalogue?
  /// Called when a later session offers something else.
  var onOtherCatalogue: () -> Void = {}
  private var onNews: ((News) -> Void)?
  /// Whether a lost daemon is to be looked for.
  private var isLookPlanned = false
  /// The events that are followed.
  private var wanted: Set<EventPattern> = []
  /// The subscriptions of this session, by pattern.
  private var subscriptions: [EventPattern: Int64] = [:]
  private var isSubscribing = false
  /// Whether events may have been missed before the newest subscription.
  private var hasGap = false
  /// Starts programs of the system, which takes a while.
  private(set) lazy var programs = Worker("programs", on: loop) {}

  /// - Parameters:
  ///   - isNamed: whether the user has named the socket, whoever owns it.
  ///   - bounds: the parameters of `session.restrict`.
  init(_ socket: String, isNamed: Bool, _ bounds: Fields, on loop: EventLoop) {
    self.socket = socket
    trust = isNamed ? nil : .ofThisMachine(folder: Files.folder(of: SocketPath.system))
    self.bounds = bounds
    self.loop = loop
  }

  /// Opens the first session.
  /// - Throws: why there is none, for the person who configured this server.
  func open() throws(Failure) {
    var outcome: Result<Catalogue, RPCError>?
    catalogue { outcome = $0 }
    while outcome == nil { loop.turn(wait: true) }
    if case .failure(let error) = outcome { throw Failure(.refused(error)) }
  }

  func catalogue(_ done: @escaping (Result<Catalogue, RPCError>) -> Void) {
    if let known { return loop.later { done(.success(known)) } }
    waiting.append(done)
    guard !isOpening else { return }
    isOpening = true
    do throws(ClientError) {
      let session = try LoopClient.connect(toDaemonAt: socket, on: loop, trust: trust)
      session.onNotification = { [unowned self] in hear($0) }
      session.onEnd = { [unowned self, weak session] _ in if session === self.session { forget() } }
      self.session = session
      bind(session)
    } catch {
      let failure = Self.error("\(error)")
      loop.later { [self] in opened(.failure(failure)) }
    }
  }

  func call(
    _ method: String, _ params: Fields, _ trace: TraceParent?, _ done: @escaping (Result<Answer, RPCError>) -> Void
  ) {
    call(method, params, trace, waits: 0, done)
  }

  /// - Parameters:
  ///   - waits: how often it may wait because the session has sent as many requests as it may.
  ///   - isRepeated: whether it was asked already in a session that was lost.
  func call(
    _ method: String, _ params: Fields = [:], _ trace: TraceParent? = nil, waits: Int, isRepeated: Bool = false,
    _ done: @escaping (Result<Answer, RPCError>) -> Void
  ) {
    catalogue { [self] outcome in
      switch outcome {
      case .failure(let error): done(.failure(error))
      case .success:
        guard let session else {
          // It has ended since, and nothing was sent.
          if !isRepeated { return call(method, params, trace, waits: waits, isRepeated: true, done) }
          return done(.failure(Self.error("the daemon has closed the connection")))
        }
        send(method, params, trace, on: session, waits: waits) { [self] answer in
          if case .failure = answer, !session.isOpen {
            if session === self.session { forget() }
            // The daemon closes a session that was idle, perhaps just now. What only reads may be asked again.
            if !isRepeated, !Self.commands.contains(method) {
              return call(method, params, trace, waits: waits, isRepeated: true, done)
            }
          }
          done(answer.mapError(Self.error))
        }
      }
    }
  }

  /// The methods that change something.
  private static let commands: Set = ["hal.control", "hal.release", "events.emit"]

  /// How often this program's own questions may wait.
  static let mostWaits = 10

  /// Calls a method in a session.
  private func send(
    _ method: String, _ params: Fields = [:], _ trace: TraceParent? = nil, on session: LoopClient, waits: Int,
    _ done: @escaping (Result<Answer, CallFailure>) -> Void
  ) {
    session.call(method, params, trace: trace) { [self] answer in
      guard waits > 0, case .failure(.refused(let error)) = answer, error.known == .rateLimited,
        let wait = error.data["retry_after_ms"]?.int, wait <= 2000
      else { return done(answer) }
      later(.milliseconds(max(1, wait))) { [self] in send(method, params, trace, on: session, waits: waits - 1, done) }
    }
  }

  /// Calls `action` after a while.
  func later(_ delay: Duration, _ action: @escaping () -> Void) { loop.schedule(after: delay, action) }

  // MARK: Opening

  /// Binds the session, and asks what the board offers. Nothing else is sent before the daemon has agreed.
  private func bind(_ session: LoopClient) {
    session.call("session.restrict", bounds, within: .seconds(10)) { [self] answer in
      do throws(CallFailure) {
        let bound = try answer.get().result
        guard bound["approver"]?.bool == false else {
          return opened(
            .failure(
              RPCError(
                .permissionDenied, "an MCP server does not run as a user who may approve commands",
                hint: "start it as a user outside of 'groups.approve'")))
        }
        ask(
          session, operates: bound["role"]?.string == Role.operate.name, reachesAll: bound["reaches_all"]?.bool == true)
      } catch {
        opened(.failure(Self.error(error)))
      }
    }
  }

  private func ask(_ session: LoopClient, operates: Bool, reachesAll: Bool) {
    send("daemon.methods", on: session, waits: Self.mostWaits) { [self] methods in
      send("hal.devices", on: session, waits: Self.mostWaits) { [self] devices in
        do throws(CallFailure) {
          let (methods, devices) = (try methods.get().result, try devices.get().result)
          opened(
            .success(Catalogue(methods: methods, devices: devices, operates: operates, reachesAll: reachesAll)))
        } catch {
          opened(.failure(Self.error(error)))
        }
      }
    }
  }

  private func opened(_ outcome: Result<Catalogue, RPCError>) {
    isOpening = false
    known = try? outcome.get()
    if known == nil {
      session?.close()
      session = nil
    }
    let all = waiting
    waiting = []
    for done in all { done(outcome) }
    if let known {
      if let former, former != known { onOtherCatalogue() }
      former = known
    }
    if onNews != nil { listen() }
  }

  // MARK: News

  var time: any Timekeeper { loop }

  func narrow(to patterns: Set<EventPattern>) {
    wanted = patterns
    if onNews != nil { listen() }
  }

  func follow(_ onNews: @escaping (News) -> Void) {
    self.onNews = onNews
    listen()
  }

  func unfollow() {
    onNews = nil
    wanted = []
    listen()
  }

  /// Brings the subscriptions of the session into line with what is followed, one after the other.
  private func listen() {
    guard !isSubscribing else { return }
    guard let session, known != nil else {
      if onNews != nil { planLook() }
      return
    }
    // A session without a subscription would be closed as idle, and its end would mean nothing.
    let due: Set = onNews == nil ? [] : wanted.isEmpty ? [EventPattern("system:started")] : wanted
    if let (pattern, number) = subscriptions.first(where: { !due.contains($0.key) }) {
      subscriptions[pattern] = nil
      subscribe(session, "events.unsubscribe", ["subscription": .int(number)]) { [self] _ in listen() }
    } else if let pattern = due.first(where: { subscriptions[$0] == nil }) {
      subscribe(session, "events.subscribe", ["pattern": .string(pattern.text)]) { [self] answer in
        guard let number = (try? answer.get())?.result["subscription"]?.int else {
          return later(Self.patience) { [self] in listen() }
        }
        subscriptions[pattern] = number
        hasGap = true
        listen()
      }
    } else if hasGap {
      hasGap = false
      onNews?(.missed)
    }
  }

  private func subscribe(
    _ session: LoopClient, _ method: String, _ params: Fields,
    _ done: @escaping (Result<Answer, CallFailure>) -> Void
  ) {
    isSubscribing = true
    send(method, params, on: session, waits: Self.mostWaits) { [self] answer in
      isSubscribing = false
      done(answer)
    }
  }

  /// How long a lost daemon is waited for between two looks.
  private static let patience = Duration.seconds(2)

  private func planLook() {
    guard !isLookPlanned else { return }
    isLookPlanned = true
    later(Self.patience) { [self] in
      isLookPlanned = false
      look()
    }
  }

  private func look() {
    guard onNews != nil, session == nil, !isOpening else { return }
    catalogue { _ in }
  }

  private func hear(_ notification: RPC.Notification) {
    guard let number = notification.params["subscription"]?.int, subscriptions.values.contains(number) else { return }
    if notification.method.isSame(as: "events.missed") { return onNews?(.missed) ?? () }
    guard let event = notification.params["event"].flatMap({ try? Event($0) }) else { return }
    onNews?(.event(event))
  }

  /// The session has ended.
  private func forget() {
    session = nil
    known = nil
    subscriptions = [:]
    if onNews != nil { planLook() }
  }

  private static func error(_ failure: CallFailure) -> RPCError {
    if case .refused(let error) = failure { return error }
    return error("\(failure)")
  }

  private static func error(_ text: String) -> RPCError {
    RPCError(.internalError, "no answer from the board: \(text)")
  }
}
