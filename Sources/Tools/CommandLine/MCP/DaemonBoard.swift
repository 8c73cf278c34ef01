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
  private let loop: EventLoop
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
  private var isSubscribing = false
  /// The subscription of this session to events.
  private var subscription: Int64?

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
    call(method, params, trace, isRepeated: false, done)
  }

  private func call(
    _ method: String, _ params: Fields, _ trace: TraceParent?, isRepeated: Bool,
    _ done: @escaping (Result<Answer, RPCError>) -> Void
  ) {
    catalogue { [self] outcome in
      switch outcome {
      case .failure(let error): done(.failure(error))
      case .success:
        guard let session else { return done(.failure(Self.error("the daemon has closed the connection"))) }
        session.call(method, params, trace: trace) { [self] answer in
          // The daemon closes a session that was idle, perhaps just now. What only reads may be asked again.
          if case .failure(.closed) = answer, !isRepeated, !Self.commands.contains(method) {
            return call(method, params, trace, isRepeated: true, done)
          }
          done(answer.mapError(Self.error))
        }
      }
    }
  }

  /// The methods that change something.
  private static let commands: Set = ["hal.control", "hal.release", "events.emit"]

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
        ask(session, operates: bound["role"]?.string == Role.operate.name)
      } catch {
        opened(.failure(Self.error(error)))
      }
    }
  }

  private func ask(_ session: LoopClient, operates: Bool) {
    session.call("daemon.methods") { [self] methods in
      session.call("hal.devices") { [self] devices in
        do throws(CallFailure) {
          let (methods, devices) = (try methods.get().result, try devices.get().result)
          opened(
            .success(
              Catalogue(methods: methods, devices: devices, operates: operates, reachesAll: bounds["devices"] == ["*"]))
          )
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

  func follow(_ onNews: @escaping (News) -> Void) {
    self.onNews = onNews
    listen()
  }

  func unfollow() {
    onNews = nil
    if let session, let subscription {
      session.call("events.unsubscribe", ["subscription": .int(subscription)]) { _ in }
    }
    subscription = nil
  }

  /// Subscribes to events; where there is no session, after a while.
  private func listen() {
    guard onNews != nil, subscription == nil, !isSubscribing else { return }
    guard let session, known != nil else { return planLook() }
    isSubscribing = true
    session.call("events.subscribe", ["pattern": "*"]) { [self] answer in
      isSubscribing = false
      guard let number = (try? answer.get())?.result["subscription"]?.int else {
        return later(Self.patience) { [self] in listen() }
      }
      subscription = number
      // Somebody may have lost interest meanwhile.
      if onNews == nil { unfollow() } else { onNews?(.missed) }
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
    guard notification.params["subscription"]?.int == subscription else { return }
    if notification.method.isSame(as: "events.missed") { return onNews?(.missed) ?? () }
    guard let event = notification.params["event"].flatMap({ try? Event($0) }) else { return }
    onNews?(.event(event))
  }

  /// The session has ended.
  private func forget() {
    session = nil
    known = nil
    subscription = nil
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
