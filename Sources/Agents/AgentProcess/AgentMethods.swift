import Agent
import Model
import OpenStarryAgent
import RPC

/// One request of an agent, with the calls that it may make.
package struct AgentCall {
  let host: any AgentHost
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
    _ = try call.ask { host throws(AgentError) in
      try host.complete(request) { result in
        switch result {
        case .success(let answer):
          call.answer(.success(["text": .string(answer.text), "tokens": .int(Int64(answer.tokens))]))
        case .failure(let error): call.answer(.failure(RPCError(error)))
        }
      }
    }
    return nil
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
      case .invalid: .deviceInvalid
      case .unavailable: .deviceUnavailable
      case .failed: .deviceFailed
      }
    let wait = error.retryAfter.map { Value.int(max(0, ($0.nanoseconds + 999_999) / 1_000_000)) }
    self.init(code, error.message, data: wait.map { ["retry_after_ms": $0] } ?? [:])
  }
}
