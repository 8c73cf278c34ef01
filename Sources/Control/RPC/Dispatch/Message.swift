import Model

/// The notation of a message: JSON-RPC 2.0, or upstream OpenStarry's form without `jsonrpc`.
package enum Dialect: Sendable, Hashable {
  case jsonRPC
  case upstream
}

/// Matches a response to its request.
package enum RequestID: Sendable, Hashable, CustomStringConvertible {
  case number(Int64)
  /// At most 256 bytes.
  case text(String)

  package var description: String {
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
package struct Request: Sendable, Hashable {
  /// nil for a notification, which is not answered.
  package var id: RequestID?
  /// The name of the method or notification.
  package var method: String
  /// The parameters by name; empty when the message had none.
  package var params: Fields
  /// The notation of the request and of its response.
  package var dialect: Dialect
  /// What the caller says that the request is part of; nil for nothing.
  package var trace: TraceParent?

  /// Creates a request; `id` nil makes it a notification.
  package init(
    id: RequestID?, method: String, params: Fields = [:], dialect: Dialect = .jsonRPC, trace: TraceParent? = nil
  ) {
    self.id = id
    self.method = method
    self.params = params
    self.dialect = dialect
    self.trace = trace
  }
}

/// The response to a request.
package struct Response: Sendable, Hashable {
  /// The request's id; nil when the request was too malformed to have one.
  package var id: RequestID?
  /// The result or the error.
  package var outcome: Result<Value, RPCError>
  /// The notation, that of the request.
  package var dialect: Dialect

  /// Creates a response; `id` nil reports an error of the connection or of an unreadable request.
  package init(id: RequestID?, _ outcome: Result<Value, RPCError>, dialect: Dialect = .jsonRPC) {
    self.id = id
    self.outcome = outcome
    self.dialect = dialect
  }
}

/// One message of the protocol.
///
/// A server's notification is a request without an id, so both are `.request`, and so is the upstream form
/// `{"event", "data"}`.
package enum Message: Sendable, Hashable {
  case request(Request)
  case response(Response)
}

/// Why a line is not a message, with the parts of it that a response needs.
package struct MalformedMessage: Error, Sendable, Hashable {
  /// The error to respond with.
  package var error: RPCError
  /// The request's id; nil when it could not be read.
  package var id: RequestID?
  /// The request's notation; nil when it could not be determined.
  package var dialect: Dialect?
}
