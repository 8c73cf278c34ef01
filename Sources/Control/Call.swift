import Linux
import Model
import Wire

/// One request while it is being worked on.
final class Call {
  let request: Request
  let arguments: Arguments
  let client: Client
  let services: Services
  /// The `system:command` event that says who asked; nil for methods that change nothing.
  let cause: Cause?
  private weak var connection: Connection?
  private var isAnswered = false

  init(
    _ request: Request, _ arguments: Arguments, from connection: Connection, services: Services, cause: Cause?
  ) {
    self.request = request
    self.arguments = arguments
    client = connection.client
    self.services = services
    self.cause = cause
    self.connection = connection
  }

  /// The connection it came by.
  /// - Throws: when that has closed meanwhile; nobody sees the error.
  func openConnection() throws(RPCError) -> Connection {
    guard let connection else { throw RPCError(.internalError, "the connection has closed") }
    return connection
  }

  /// Answers, the first time only.
  func answer(_ outcome: Result<Value, RPCError>) {
    guard !isAnswered else { return }
    isAnswered = true
    connection?.answer(request, outcome)
  }

  /// Answers with a file beside the result.
  func answer(_ result: Value, with file: consuming Descriptor) {
    guard !isAnswered else { return }
    isAnswered = true
    connection?.answer(request, result, with: file)
  }
}
