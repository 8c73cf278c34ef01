import Agent
import Model
import OpenStarryAgent
import RPC

/// One request of an agent, with the calls that it may make.
package struct AgentCall {
  let host: any AgentHost
  /// Its questions to models.
  let waits: ModelWaits
  /// Answers later, for a method that returns nil.
  let answer: (Result<Value, RPCError>) -> Void

  /// Makes a call, and converts its refusal.
  func ask<Answer>(_ call: (any AgentHost) throws(AgentError) -> Answer) throws(RPCError) -> Answer {
    do throws(AgentError) { return try call(host) } catch { throw RPCError(error) }
  }
}

/// What an agent may ask: `docs/process-abi.md`, section 4.
package enum AgentMethods {
  /// All methods.
  package static let table = MethodTable<AgentCall>([
    Method(
      "getSensorData", .view, "The newest reading of a sensor, or an input's level.",
      .required("id", .text, "which sensor or input"), result: "a reading"
    ) { call, id throws(RPCError) in .map(try call.ask { host throws(AgentError) in try host.read(id) }.fields) },
    Method(
      "controlActuator", .view, "Commands an actuator through the board's limits.",
      .required("id", .text, "which actuator"), .required("command", .command, "the command (4.2)"),
      Parameter.optional(
        "lease_ms", .integer(1...ActuatorCommand.longestPulse),
        "how long it may stay away from its safe state; by default the lease in the board file"),
      result: "a receipt"
    ) { call, id, command, lease throws(RPCError) in
      .map(
        try call.ask { host throws(AgentError) in
          try host.control(id, command, lease: lease.map { .milliseconds($0) })
        }.fields)
    },
    Method(
      "getCameraSnapshot", .view, "The newest picture of a camera as JPEG.", .required("id", .text, "which camera"),
      result: "the picture in `jpeg`, base64"
    ) { call, id throws(RPCError) in
      ["jpeg": .bytes(try call.ask { host throws(AgentError) in try host.snapshot(id) })]
    },
    Method(
      "getCameraFrame", .view, "The newest picture of a camera, scaled, in grey.",
      .required("id", .text, "which camera"), .required("width", .pixels, "pixels"),
      .required("height", .pixels, "pixels"), result: "the picture in `grey`, base64"
    ) { call, id, width, height throws(RPCError) in
      let grey = try call.ask { host throws(AgentError) in
        try host.frame(id, width: Int(width), height: Int(height))
      }
      return ["grey": .bytes(grey)]
    },
    Method(
      "complete", .view, "Asks a model.", Parameter.required("prompt", .anyText, "the prompt"),
      Parameter.optional("system", .anyText, default: .string(""), "the system prompt"),
      Parameter.optional("max_tokens", .integer(1...1_000_000), "the most tokens of the answer"),
      result: "`text` and `tokens`", complete),
    Method(
      "chat", .view, "Asks a model with a conversation, tools or a schema.", Self.messages, Self.tools, Self.schema,
      Self.maxTokens, Self.temperature, Self.model, result: "the model's answer (4.6)"
    ) { call, messages, tools, schema, tokens, temperature, model throws(RPCError) in
      let request = try Self.request(messages, tools, schema, tokens, temperature, model)
      return try Self.ask(call, request) { $0.wireValue }
    },
    Method(
      "ask", .view, "Asks a model; the event `agent:answer` brings the answer.",
      Parameter.required("name", .text, "tells the answers apart"), Self.messages, Self.tools, Self.schema,
      Self.maxTokens, Self.temperature, Self.model, result: "an empty object"
    ) { call, name, messages, tools, schema, tokens, temperature, model throws(RPCError) in
      let request = try Self.request(messages, tools, schema, tokens, temperature, model)
      try call.ask { host throws(AgentError) in try host.send(request, as: name) }
      return [:]
    },
    Method(
      "why", .view, "Why a device is as it is.", .required("id", .text, "which device"),
      result: "`events`: the chain of events (4.1) that led to its last change, the first cause first"
    ) { call, id throws(RPCError) in
      let events = try call.ask { host throws(AgentError) in try host.why(id) }
      return ["events": .list(events.map { .map($0.fields) })]
    },
    Method(
      "describe", .view, "What the agent may use.",
      result: "`devices` with their kinds, units and limits, and `mind`, what its manifest says of how it thinks (4.7)"
    ) { call throws(RPCError) in try call.ask { host throws(AgentError) in try host.surroundings() } },
    Method(
      "emit", .view, "Publishes an event.", Parameter.required("type", .text, "its name"),
      Parameter.optional("payload", .object, default: .map([:]), "its payload"), result: "the event's `id`"
    ) { call, type, payload throws(RPCError) in
      let id = try call.ask { host throws(AgentError) in try host.emit(type, payload) }
      return ["id": .string(id.description)]
    },
    Method(
      "state.get", .view, "Reads a durable value.", .required("key", .text, "its key"), result: "the `value`"
    ) { call, key throws(RPCError) in
      guard let value = call.host.state(key) else {
        throw RPCError(.deviceNotFound, "there is no value under '\(key)'")
      }
      return ["value": value]
    },
    Method(
      "state.set", .view, "Keeps a value across restarts.", .required("key", .text, "its key"),
      .required("value", .anyValue, "any JSON"), result: "an empty object"
    ) { call, key, value throws(RPCError) in
      try call.ask { host throws(AgentError) in try host.setState(key, value) }
      return [:]
    },
    Method(
      "state.remove", .view, "Removes a durable value.", .required("key", .text, "its key"),
      result: "an empty object, also if there was none"
    ) { call, key throws(RPCError) in
      try call.ask { host throws(AgentError) in try host.setState(key, nil) }
      return [:]
    },
    Method(
      "timer.set", .view, "Has the event `agent:timer` delivered to the agent after a time.",
      .required("name", .text, "the timer's name"),
      Parameter.required("after_ms", .integer(Int64.min...Int64.max), "in milliseconds"),
      Parameter.optional("repeat", .boolean, default: false, "whether again and again"), result: "an empty object"
    ) { call, name, milliseconds, repeats throws(RPCError) in
      try call.ask { host throws(AgentError) in
        // Whatever is out of range stays so.
        let delay = Duration.milliseconds(min(max(milliseconds, -1), 1 << 40))
        try host.setTimer(name, after: delay, repeats: repeats)
      }
      return [:]
    },
    Method(
      "timer.cancel", .view, "Cancels a timer.", .required("name", .text, "the timer's name"),
      result: "an empty object, also if there was none"
    ) { call, name throws(RPCError) in
      call.host.cancelTimer(name)
      return [:]
    },
    Method(
      "log", .view, "Adds a line to the agent's log.",
      Parameter.optional("level", .integer(0...7), default: .int(6), "0 emergency to 7 debug (RFC 5424, 6.2.1)"),
      Parameter.required("message", .anyText, "the line"), result: "an empty object"
    ) { call, level, message throws(RPCError) in
      call.host.log(LogLevel(rawValue: Int(level)) ?? .info, message.asMessage)
      return [:]
    },
  ])

  @Sendable private static func complete(
    _ call: AgentCall, _ prompt: String, _ system: String, _ tokens: Int64?
  ) throws(RPCError) -> Value? {
    let request = ModelRequest(prompt: prompt, system: system, maxTokens: tokens.map { Int($0) })
    return try ask(call, request) { ["text": .string($0.text), "tokens": .int(Int64($0.tokens))] }
  }

  /// Asks a model, and answers the call when it has answered.
  private static func ask(
    _ call: AgentCall, _ request: ModelRequest, _ value: @escaping (ModelAnswer) -> Value
  ) throws(RPCError) -> Value? {
    try call.ask { host throws(AgentError) in
      try call.waits.ask(host, request) { result in
        switch result {
        case .success(let answer): call.answer(.success(value(answer)))
        case .failure(let error): call.answer(.failure(RPCError(error)))
        }
      }
    }
    return nil
  }

  private static var messages: Parameter<Value> { .required("messages", .anyValue, "the conversation (4.6)") }
  private static var tools: Parameter<Value?> { .optional("tools", .anyValue, "what the model may ask for (4.6)") }
  private static var schema: Parameter<Value?> { .optional("schema", .anyValue, "the JSON Schema of the answer") }
  private static var maxTokens: Parameter<Value?> {
    .optional("max_tokens", .anyValue, "the most tokens of the answer, 1 to 1000000")
  }
  private static var temperature: Parameter<Value?> { .optional("temperature", .anyValue, "0 to 2") }
  private static var model: Parameter<Value?> {
    .optional("model", .anyValue, "a model's name in the settings; by default the first that answers")
  }

  private static func request(
    _ messages: Value, _ tools: Value?, _ schema: Value?, _ tokens: Value?, _ temperature: Value?, _ model: Value?
  ) throws(RPCError) -> ModelRequest {
    let fields: Fields = [
      "messages": messages, "tools": tools ?? .null, "schema": schema ?? .null, "max_tokens": tokens ?? .null,
      "temperature": temperature ?? .null, "model": model ?? .null,
    ]
    do throws(AgentError) { return try ModelRequest(.map(fields)) } catch { throw RPCError(error) }
  }
}

extension ParameterType where Argument == Int64 {
  fileprivate static var pixels: Self { .integer(1...4096) }
}

extension ParameterType where Argument == Value {
  fileprivate static var anyValue: Self { Self("value", expected: "any JSON value", schema: [:]) { $0 } }
}

extension RPCError {
  /// The error for a call that was refused: `docs/process-abi.md`, section 5.
  init(_ error: AgentError) {
    let code: Code =
      switch error.code {
      case .notFound: .deviceNotFound
      case .denied: .deviceDenied
      case .busy: .deviceBusy
      case .limited: .deviceLimited
      case .waiting: .approvalNeeded
      case .invalid: .deviceInvalid
      case .unavailable: .deviceUnavailable
      case .failed: .deviceFailed
      }
    let wait = error.retryAfter.map { Value.int(max(0, ($0.nanoseconds + 999_999) / 1_000_000)) }
    self.init(code, error.message, data: wait.map { ["retry_after_ms": $0] } ?? [:])
  }
}
