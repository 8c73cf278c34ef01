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
    catalogue { [self] outcome in
      switch outcome {
      case .failure(let error): done(.failure(error))
      case .success:
        guard let session else { return done(.failure(Self.error("the daemon has closed the connection"))) }
        session.call(method, params, trace: trace) { done($0.mapError(Self.error)) }
      }
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
          opened(.success(Catalogue(methods: methods, devices: devices, operates: operates)))
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
  }

  /// The session has ended.
  private func forget() {
    session = nil
    known = nil
  }

  private static func error(_ failure: CallFailure) -> RPCError {
    if case .refused(let error) = failure { return error }
    return error("\(failure)")
  }

  private static func error(_ text: String) -> RPCError {
    RPCError(.internalError, "no answer from the board: \(text)")
  }
}
