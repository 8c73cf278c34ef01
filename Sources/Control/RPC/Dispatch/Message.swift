import Model

/// The notation of a message: JSON-RPC 2.0, or upstream OpenStarry's form without `jsonrpc`.
public enum Dialect: Sendable, Hashable {
  case jsonRPC
  case upstream
}

/// Matches a response to its request.
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

/// A request, or without an id a notification.
public struct Request: Sendable, Hashable {
  /// nil for a notification, which is not answered.
  public var id: RequestID?
  /// The name of the method or notification.
  public var method: String
  /// The parameters by name; empty when the message had none.
  public var params: Fields
  /// The notation of the request and of its response.
  public var dialect: Dialect

  /// Creates a request; `id` nil makes it a notification.
  public init(id: RequestID?, method: String, params: Fields = [:], dialect: Dialect = .jsonRPC) {
    self.id = id
    self.method = method
    self.params = params
    self.dialect = dialect
  }
}

/// The response to a request.
public struct Response: Sendable, Hashable {
  /// The request's id; nil when the request was too malformed to have one.
  public var id: RequestID?
  /// The result or the error.
  public var outcome: Result<Value, RPCError>
  /// The notation, that of the request.
  public var dialect: Dialect

  /// Creates a response; `id` nil reports an error of the connection or of an unreadable request.
  public init(id: RequestID?, _ outcome: Result<Value, RPCError>, dialect: Dialect = .jsonRPC) {
    self.id = id
    self.outcome = outcome
    self.dialect = dialect
  }
}

/// One message of the protocol.
///
/// A server's notification is a request without an id, so both are `.request`, and so is the upstream form
/// `{"event", "data"}`.
public enum Message: Sendable, Hashable {
  case request(Request)
  case response(Response)
}

/// Why a line is not a message, with the parts of it that a response needs.
public struct MalformedMessage: Error, Sendable, Hashable {
  /// The error to respond with.
  public var error: RPCError
  /// The request's id; nil when it could not be read.
  public var id: RequestID?
  /// The request's notation; nil when it could not be determined.
  public var dialect: Dialect?
}
