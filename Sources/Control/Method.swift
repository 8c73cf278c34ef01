import Model
import Wire

/// One method of the protocol: what it is for people, and what it does.
struct Method: Sendable {
  /// Does the work.
  ///
  /// Returns the result, or nil when `Call.answer` is or was called with it.
  typealias Handler = @Sendable (Call) throws(RPCError) -> Value?

  let name: String
  /// The least role that may call it.
  let role: Role
  /// One or more sentences.
  let summary: String
  let parameters: [Parameter]
  /// What it answers, in words.
  let result: String
  /// What it may fail with beside what every method may.
  let errors: [RPCError.Code]
  /// Whether it changes something, so that `system:command` names who asked.
  let isCommand: Bool
  let handler: Handler

  init(
    _ name: String, _ role: Role, _ summary: String, _ parameters: [Parameter] = [], result: String,
    errors: [RPCError.Code] = [], isCommand: Bool = false, _ handler: @escaping Handler
  ) {
    self.name = name
    self.role = role
    self.summary = summary
    self.parameters = parameters
    self.result = result
    self.errors = errors
    self.isCommand = isCommand
    self.handler = handler
  }

  /// The same under another name.
  func named(_ name: String, summary: String) -> Method {
    Method(
      name, role, summary, parameters, result: result, errors: errors, isCommand: isCommand, handler)
  }

  /// As `daemon.methods` shows it.
  var fields: Fields {
    [
      "name": .string(name), "role": .string(role.name), "summary": .string(summary),
      "parameters": .list(parameters.map { .map($0.fields) }), "result": .string(result),
      "errors": .list(errors.map { .int(Int64($0.rawValue)) }),
    ]
  }
}

extension Parameter {
  fileprivate var fields: Fields {
    [
      "name": .string(name), "type": .string(kind.name), "required": .bool(isRequired),
      "default": standard ?? .null, "meaning": .string(meaning), "aliases": .list(aliases.map(Value.string)),
    ]
  }
}
