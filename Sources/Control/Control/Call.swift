import Linux
import Model
import RPC

/// What a method of the daemon works on: the services, the caller, and the answer to its request.
final class Call {
  let services: Services
  let client: Client
  /// The `system:command` event that names the caller; nil for methods that change nothing.
  let cause: Cause?
  let server: ControlServer
  private let reply: Reply
  private weak var session: (any Session)?

  init(_ reply: Reply, _ client: Client, on session: any Session, of server: ControlServer, cause: Cause?) {
    self.reply = reply
    self.client = client
    self.session = session
    self.server = server
    self.cause = cause
    services = server.services
  }

  /// The request.
  var request: Request { reply.request }

  /// The monotonic time.
  var now: Instant { server.time.now }

  /// The board that this daemon drives, for answers that say what was moved.
  var board: Value { .string(services.hardware.board.name) }

  /// The session that the call came by.
  /// - Throws: when it has ended meanwhile; nobody sees the error.
  func openSession() throws(RPCError) -> any Session {
    guard let session else { throw RPCError(.internalError, "the connection has closed") }
    return session
  }

  /// Answers, the first time only.
  func answer(_ outcome: Result<Value, RPCError>) { reply.give(outcome) }

  /// Answers with a descriptor beside the result, the first time only.
  func answer(_ result: Value, with file: consuming Descriptor) { reply.give(result, with: file) }
}
