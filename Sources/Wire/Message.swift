import Model

/// How a message is written: JSON-RPC 2.0, or the shipped OpenStarry form without `jsonrpc`.
public enum Dialect: Sendable, Hashable {
  case jsonRPC
  case upstream
}

/// What an answer is matched to its request by.
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

/// A call. Without an id nobody waits for an answer.
public struct Request: Sendable, Hashable {
  /// nil when no answer is wanted.
  public var id: RequestID?
  /// What shall be done.
  public var method: String
  /// With what; empty when the message had none.
  public var params: Fields
  /// How it was written, and how it is answered.
  public var dialect: Dialect

  /// Puts a request together.
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
  /// What came of it.
  public var outcome: Result<Value, RPCError>
  /// How it is written.
  public var dialect: Dialect

  /// Puts an answer together.
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

/// Why a line is no message, and what is known of it for the answer.
public struct MalformedMessage: Error, Sendable, Hashable {
  /// The answer.
  public var error: RPCError
  /// The id, when it could be read.
  public var id: RequestID?
  /// The form, when it could be told.
  public var dialect: Dialect?
}
