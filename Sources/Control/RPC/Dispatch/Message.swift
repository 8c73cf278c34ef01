import Model

/// How a message is written: JSON-RPC 2.0, or the shipped OpenStarry form without `jsonrpc`.
public enum Dialect: Sendable, Hashable {
  case jsonRPC
  case upstream
}

/// Matches an answer to its request.
public enum RequestID: Sendable, Hashable, CustomStringConvertible {
  case number(Int64)
  /// At most 256 bytes.
  case text(String)

  public var description: String {
    switch self {
    case .number(let number): "\(number)"
    case .text(let text): text
    }
  }

  var value: Value {
    switch self {
    case .number(let number): .int(number)
    case .text(let text): .string(text)
    }
  }
}

/// A call; without an id, a notification.
public struct Request: Sendable, Hashable {
  /// nil when no answer is wanted.
  public var id: RequestID?
  /// The method or notification.
  public var method: String
  /// The parameters by name; empty when the message had none.
  public var params: Fields
  /// The form in which it was written, and is answered.
  public var dialect: Dialect

  /// A request with these members.
  public init(id: RequestID?, method: String, params: Fields = [:], dialect: Dialect = .jsonRPC) {
    self.id = id
    self.method = method
    self.params = params
    self.dialect = dialect
  }
}

/// The answer to a request.
public struct Response: Sendable, Hashable {
  /// The request's id; nil when the request could not be read so far.
  public var id: RequestID?
  /// The result or the error.
  public var outcome: Result<Value, RPCError>
  /// The form in which it is written.
  public var dialect: Dialect

  /// An answer with these members.
  public init(id: RequestID?, _ outcome: Result<Value, RPCError>, dialect: Dialect = .jsonRPC) {
    self.id = id
    self.outcome = outcome
    self.dialect = dialect
  }
}

/// One message of the protocol.
///
/// JSON-RPC cannot tell a server's notification from a request without an id, so both are `.request` there; the
/// upstream form `{"event", "data"}` reads as one as well.
public enum Message: Sendable, Hashable {
  case request(Request)
  case response(Response)
}

/// Why a line is not a message, with what could be read of it for the answer.
public struct MalformedMessage: Error, Sendable, Hashable {
  /// The answer.
  public var error: RPCError
  /// The id, when it could be read.
  public var id: RequestID?
  /// The form, when it could be told.
  public var dialect: Dialect?
}
