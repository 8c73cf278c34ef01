import Document
import Model

extension Message {
  /// Parses one line.
  /// - Throws: -32700 for invalid JSON, -32600 for JSON that is not a message, -32602 for params that are not an
  ///   object.
  package init(_ line: ArraySlice<UInt8>) throws(MalformedMessage) {
    let value: Value
    do throws(Diagnostic) {
      value = try JSON.decode(line)
    } catch {
      throw MalformedMessage(
        error: RPCError(
          .parseError, "the line is not JSON: \(error.message)",
          data: ["column": .int(Int64(error.location.column))],
          hint: "send one JSON object a line, UTF-8, ended by a line feed"), id: nil, dialect: nil)
    }
    switch value {
    case .map(let fields): self = try Self.read(fields)
    case .list: throw Self.invalid("batches are not supported", "send one request a line")
    default: throw Self.invalid("a message is a JSON object", Self.shape)
    }
  }

  private static let shape = #"for example {"jsonrpc":"2.0","id":1,"method":"daemon.health"}"#

  private static func invalid(
    _ message: String, _ hint: String, _ code: RPCError.Code = .invalidRequest, id: RequestID? = nil,
    dialect: Dialect? = nil
  ) -> MalformedMessage {
    MalformedMessage(error: RPCError(code, message, hint: hint), id: id, dialect: dialect)
  }

  private static func read(_ fields: Fields) throws(MalformedMessage) -> Message {
    let dialect: Dialect
    switch fields["jsonrpc"] {
    case nil: dialect = .upstream
    case .string("2.0"): dialect = .jsonRPC
    default: throw invalid("'jsonrpc' must be \"2.0\"", "write \"jsonrpc\":\"2.0\" or leave it out")
    }
    let id = try readID(fields["id"], dialect)
    if let error = fields["error"] {
      guard let error = RPCError(error) else {
        throw invalid("'error' must have an integer 'code' and a text 'message'", shape, id: id, dialect: dialect)
      }
      return .response(Response(id: id, .failure(error), dialect: dialect))
    }
    if let result = fields["result"] { return .response(Response(id: id, .success(result), dialect: dialect)) }
    return .request(try readRequest(fields, id, dialect))
  }

  private static func readRequest(
    _ fields: Fields, _ id: RequestID?, _ dialect: Dialect
  ) throws(MalformedMessage) -> Request {
    let isEvent = dialect == .upstream && fields["method"] == nil && fields["event"] != nil
    guard case .string(let method)? = fields[isEvent ? "event" : "method"], !method.isEmpty else {
      throw invalid("'method' must be there, and text", shape, id: id, dialect: dialect)
    }
    let params: Fields
    switch fields[isEvent ? "data" : "params"] {
    case nil, .null: params = [:]
    case .map(let named): params = named
    case let other? where isEvent: params = ["value": other]
    default:
      throw invalid(
        "'params' must be an object", "parameters have names: \"params\":{\"agent\":\"climate\"}", .invalidParams,
        id: id, dialect: dialect)
    }
    // W3C Trace Context: what cannot be read is ignored.
    let trace = fields["traceparent"]?.string.flatMap { TraceParent($0) }
    return Request(id: isEvent ? nil : id, method: method, params: params, dialect: dialect, trace: trace)
  }

  private static func readID(_ value: Value?, _ dialect: Dialect) throws(MalformedMessage) -> RequestID? {
    switch value {
    case nil, .null: return nil
    case .int(let number): return .number(number)
    case .string(let text) where text.utf8.count <= 256: return .text(text)
    default:
      throw invalid("'id' must be an integer, or text of at most 256 bytes", shape, dialect: dialect)
    }
  }
}

extension Request {
  /// Encodes the request as a line with its line feed. Without an id, the upstream form is `{"event", "data"}`.
  package func encoded() -> [UInt8] {
    var fields = Fields()
    switch (dialect, id) {
    case (.upstream, nil):
      fields["event"] = .string(method)
      fields["data"] = .map(params)
    case (.upstream, let id?):
      fields["id"] = id.value
      fields["method"] = .string(method)
      fields["params"] = .map(params)
    case (.jsonRPC, let id):
      fields["jsonrpc"] = "2.0"
      fields["id"] = id?.value
      fields["method"] = .string(method)
      fields["params"] = .map(params)
    }
    fields["traceparent"] = trace.map { .string($0.text) }
    return line(fields)
  }
}

extension Response {
  /// Encodes the response as a line with its line feed.
  package func encoded() -> [UInt8] {
    var fields = Fields()
    if dialect == .jsonRPC { fields["jsonrpc"] = "2.0" }
    fields["id"] = id?.value ?? .null
    switch outcome {
    case .success(let result): fields["result"] = result
    case .failure(let error): fields["error"] = error.value
    }
    return line(fields)
  }
}

private func line(_ fields: Fields) -> [UInt8] { JSON.encode(.map(fields)) + [UInt8(ascii: "\n")] }
