import OpenStarryAgent

/// What the model may ask for.
struct Tool {
  let name: String
  let about: String
  let arguments: Arguments
  /// The most bytes of JSON of its arguments.
  var mostBytes = 8192
  /// Carries out a call whose arguments are as declared.
  let perform: (Fields, inout Context) throws(ToolFailure) -> ToolResult

  /// How the model learns of it.
  var declaration: ModelTool { ModelTool(name, about, parameters: arguments.schema) }
}

/// What a tool has to say.
struct ToolResult {
  /// Fields beside `"ok": true`.
  var fields: Fields
  /// The picture that goes with the next message, and where it comes from.
  var picture: (jpeg: [UInt8], from: String)?
  /// The most bytes of JSON.
  var mostBytes = 8192

  init(_ fields: Fields = [:]) { self.fields = fields }
}

/// Why a call was not carried out, in a sentence for the model.
struct ToolFailure: Error {
  var message: String
  /// The time after which the same call may succeed, if that is known.
  var retryAfter: Duration?

  init(_ message: String, retryAfter: Duration? = nil) {
    self.message = message
    self.retryAfter = retryAfter
  }

  init(_ error: AgentError) { self.init("\(error.code.rawValue): \(error.message)", retryAfter: error.retryAfter) }

  /// Fields beside `"ok": false`.
  var fields: Fields {
    var fields: Fields = ["error": .string(message.bounded(1000))]
    if let retryAfter { fields["retry_after_s"] = .int((max(0, retryAfter.nanoseconds) + 999_999_999) / 1_000_000_000) }
    return fields
  }

  /// Makes a call of the agent, and converts its refusal.
  static func converting<Answer>(_ call: () throws(AgentError) -> Answer) throws(ToolFailure) -> Answer {
    do throws(AgentError) { return try call() } catch { throw ToolFailure(error) }
  }
}
