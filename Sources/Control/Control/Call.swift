import Linux
import Model
import RPC

/// The context of a method call: the services, the caller, and the reply.
final class Call {
  let services: Services
  let client: Client
  /// The `system:command` event that names the caller. For methods that change nothing, what the caller says that the
  /// request is part of, or nil.
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

  var request: Request { reply.request }

  /// The monotonic time.
  var now: Instant { server.time.now }

  /// The wall time in milliseconds since 1970.
  var wallMilliseconds: UInt64 { server.time.wallMilliseconds }

  /// The name of the board, for answers to commands that move hardware.
  var board: Value { .string(services.hardware.board.name) }

  /// The caller's session.
  /// - Throws: when it has ended; the error reaches nobody.
  func openSession() throws(RPCError) -> any Session {
    guard let session else { throw RPCError(.internalError, "the connection has closed") }
    return session
  }

  /// Answers the request; ignored after the first answer.
  func answer(_ outcome: Result<Value, RPCError>) { reply.give(outcome) }

  /// Answers with a result and a descriptor; ignored after the first answer.
  func answer(_ result: Value, with file: consuming Descriptor) { reply.give(result, with: file) }
}
