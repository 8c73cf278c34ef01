import Model

/// The declaration of a protocol method, from which documents, schemas and dispatch are derived.
///
/// - `Context` gives the method access to the services behind the protocol and to the caller.
package struct Method<Context>: Sendable {
  /// The name on the wire.
  package let name: String
  /// The least role that may call it.
  package let role: Role
  /// One or more sentences for documents.
  package let summary: String
  /// In the order of the document.
  package let parameters: [ParameterDeclaration]
  /// The result in words, without a full stop.
  package let result: String
  /// The error codes beyond those that every method may return.
  package let errors: [RPCError.Code]
  /// Whether the method changes something: a `system:command` event then records the caller as the cause.
  package let isCommand: Bool
  private let function: @Sendable (Context, Arguments) throws(RPCError) -> Value?

  /// Declares a method.
  /// - Parameters:
  ///   - parameters: in the order in which `function` takes them.
  ///   - function: the implementation. Returns the result, or nil when it answers the request itself, now or later.
  package init<each Argument>(
    _ name: String, _ role: Role, _ summary: String, _ parameters: repeat Parameter<each Argument>, result: String,
    errors: [RPCError.Code] = [], isCommand: Bool = false,
    _ function: @escaping @Sendable (Context, repeat each Argument) throws(RPCError) -> Value?
  ) {
    self.name = name
    self.role = role
    self.summary = summary
    self.result = result
    self.errors = errors
    self.isCommand = isCommand
    var declarations: [ParameterDeclaration] = []
    repeat declarations.append((each parameters).declaration)
    self.parameters = declarations
    self.function = { (context: Context, arguments: Arguments) throws(RPCError) -> Value? in
      try function(context, repeat (each parameters).argument(arguments))
    }
  }

  private init(_ method: Method, named name: String, summary: String) {
    self.name = name
    self.summary = summary
    role = method.role
    parameters = method.parameters
    result = method.result
    errors = method.errors
    isCommand = method.isCommand
    function = method.function
  }

  /// The same method under another name and with another summary.
  package func named(_ name: String, summary: String) -> Method { Method(self, named: name, summary: summary) }

  func call(_ context: Context, _ arguments: Arguments) throws(RPCError) -> Value? { try function(context, arguments) }

  /// The JSON schema (draft 2020-12) of the parameters, without aliases.
  package var schema: Fields {
    let required = parameters.filter(\.isRequired).map { Value.string($0.name) }
    var schema: Fields = [
      "type": "object", "properties": .map(Fields(parameters.map { ($0.name, .map($0.schema)) })),
      "additionalProperties": false,
    ]
    if !required.isEmpty { schema["required"] = .list(required) }
    return schema
  }

  /// The entry in the result of `daemon.methods`.
  package var fields: Fields {
    [
      "name": .string(name), "role": .string(role.name), "summary": .string(summary),
      "parameters": .list(parameters.map { .map($0.fields) }), "result": .string(result),
      "errors": .list(errors.map { .int(Int64($0.rawValue)) }), "schema": .map(schema),
    ]
  }
}
