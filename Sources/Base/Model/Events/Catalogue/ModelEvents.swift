/// Events about calls of language models.
package enum ModelEvents {
  static var all: [EventDeclaration] {
    [answeredDeclaration, failedDeclaration, refusedDeclaration, notStoredDeclaration]
  }

  /// One call of a model.
  package struct Call: Sendable {
    /// The agent that has asked.
    package var agent: AgentID
    /// The model's name in the settings.
    package var model: String
    /// Tokens of the request.
    package var promptTokens: Int64
    /// Tokens of the answer.
    package var answerTokens: Int64
    /// What the call has cost, in millionths of the currency; 0 without a price.
    package var money: Int64
    /// From the request to the first byte of the answer.
    package var first: Duration
    /// From the request to the end.
    package var total: Duration

    package init(
      _ agent: AgentID, model: String, promptTokens: Int64, answerTokens: Int64, money: Int64 = 0, first: Duration,
      total: Duration
    ) {
      self.agent = agent
      self.model = model
      self.promptTokens = promptTokens
      self.answerTokens = answerTokens
      self.money = money
      self.first = first
      self.total = total
    }
  }

  private static var model: EventField { text("model", "the model's name in the settings") }
  private static func text(_ name: String, _ about: String) -> EventField { .text(name, about) }
  private static func named(_ event: Event) -> String { "agent \(event.subject("agent"))" }
  private static func duration(_ duration: Duration) -> Value { .int(duration.nanoseconds / 1_000_000) }

  private static var answeredDeclaration: EventDeclaration {
    EventDeclaration(
      "model:answered", .normal,
      "a language model has answered an agent; what the agent does next has this event as its cause",
      [
        .agent, model, .integer("prompt_tokens", "tokens of the request"),
        .integer("answer_tokens", "tokens of the answer"),
        .number("money", "in the settings' currency", "what the call has cost").sometimes,
        .integer("first_ms", "ms", "from the request to the first byte of the answer"),
        .integer("total_ms", "ms", "from the request to the end of the answer"),
        .text("finish", "why it ended, in the server's words, such as `stop` or `length`"),
        .list("tools", "the first four tools that it asks for, each as text, shortened"),
        .text("text", "the beginning of its answer").sometimes,
      ],
      example: answered(
        Call(
          "keeper", model: "local", promptTokens: 210, answerTokens: 18, money: 1200, first: .milliseconds(60),
          total: .milliseconds(800)), finish: "tool_calls", tools: ["controlActuator {\"id\":\"fan\"}"],
        text: "I turn the fan on.")
    ) { event in
      guard let prompt = event["prompt_tokens"]?.int, let answer = event["answer_tokens"]?.int else { return nil }
      let tools = (event["tools"]?.list ?? []).compactMap(\.string)
      let wish = tools.isEmpty ? "" : ", and asks for \(tools.joined(separator: "; ").printable)"
      return "model \(event.text("model")) answered \(named(event)): \(prompt) + \(answer) tokens\(wish)"
    }
  }

  /// A model has answered.
  /// - Parameters:
  ///   - finish: in the server's words.
  ///   - tools: the calls that it asks for, as text.
  ///   - text: the beginning of the answer; empty for none.
  package static func answered(_ call: Call, finish: String, tools: [String], text: String) -> DaemonEvent {
    var payload = Fields(uniquePairs: [
      ("agent", .string(call.agent.rawValue)), ("model", .string(call.model)),
      ("prompt_tokens", .int(call.promptTokens)), ("answer_tokens", .int(call.answerTokens)),
    ])
    payload.add("money", call.money > 0 ? .double(Double(call.money) / 1_000_000) : nil)
    payload.add("first_ms", duration(call.first))
    payload.add("total_ms", duration(call.total))
    payload.add("finish", .string(finish))
    payload.add("tools", .list(tools.map(Value.string)))
    payload.add("text", text.isEmpty ? nil : .string(text))
    return DaemonEvent(answeredDeclaration, payload)
  }

  private static var failedDeclaration: EventDeclaration {
    EventDeclaration(
      "model:failed", .high, journal: .warning, "a call of a language model has failed; the next model may be tried",
      [
        .agent, model, .integer("status", "the status of HTTP; 0 for none"), .message,
        .integer("charged_tokens", "what counts as used, because the server may have worked on it"),
      ], example: failed("keeper", model: "cloud", status: 503, message: "the server is overloaded", charged: 0)
    ) { event in "model \(event.text("model")) did not answer \(named(event)): \(event.text("message"))" }
  }

  /// - Parameters:
  ///   - status: the status of HTTP; 0 for none.
  ///   - charged: the tokens that count as used.
  package static func failed(
    _ agent: AgentID, model: String, status: Int, message: String, charged: Int64
  ) -> DaemonEvent {
    DaemonEvent(
      failedDeclaration,
      Fields(uniquePairs: [
        ("agent", .string(agent.rawValue)), ("model", .string(model)), ("status", .int(Int64(status))),
        ("message", .string(message)), ("charged_tokens", .int(charged)),
      ]))
  }

  private static var refusedDeclaration: EventDeclaration {
    EventDeclaration(
      "model:refused", .high, journal: .warning,
      "an agent may not ask a model now: a budget of tokens or money is used up, or what models use cannot be stored",
      [.agent, model, .message, .flag("waits", "the call waits for the next window")],
      example: refused("keeper", model: "cloud", message: "10000 tokens in 1h are used up", waits: false)
    ) { event in
      "\(named(event)) may not ask model \(event.text("model")): \(event.text("message"))"
        + (event["waits"]?.bool == true ? "; it waits" : "")
    }
  }

  /// - Parameter waits: whether the call waits.
  package static func refused(_ agent: AgentID, model: String, message: String, waits: Bool) -> DaemonEvent {
    DaemonEvent(
      refusedDeclaration,
      Fields(uniquePairs: [
        ("agent", .string(agent.rawValue)), ("model", .string(model)), ("message", .string(message)),
        ("waits", .bool(waits)),
      ]))
  }

  private static var notStoredDeclaration: EventDeclaration {
    EventDeclaration(
      "model:not_stored", .high, journal: .error,
      "what models use cannot be stored, and so no call is made until it can",
      [.message], example: notStored("the disk is full")
    ) { event in "no model can be asked: \(event.text("message"))" }
  }

  /// - Parameter message: why, in words.
  package static func notStored(_ message: String) -> DaemonEvent {
    DaemonEvent(notStoredDeclaration, Fields(uniquePairs: [("message", .string(message))]))
  }
}
