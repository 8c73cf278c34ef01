/// Events about the budgets of agents and of the board.
package enum BudgetEvents {
  static var all: [EventDeclaration] {
    [cappedDeclaration, warningDeclaration, throttledDeclaration, exceededDeclaration, recoveredDeclaration]
  }

  /// The use of one budget.
  package struct Use {
    /// The fields as events and the ledger carry them.
    package let fields: Fields

    /// - Parameters:
    ///   - budget: the limited resource, such as `cpu`.
    ///   - used: the amount used, in `unit`.
    ///   - limit: the amount allowed, in `unit`; nil for no limit.
    ///   - unit: `ns`, `bytes` or `count`.
    ///   - window: the window of the limit; nil for a limit without one.
    ///   - refused: the amount refused, in `unit`; 0 is left out.
    ///   - meter: the meter of a board's budget; nil for an agent's.
    package init(
      budget: String, used: Int64, limit: Int64?, unit: String, window: Duration?, refused: Int64, meter: String?
    ) {
      var fields = Fields(uniquePairs: [
        ("budget", .string(budget)), ("used", .int(used)), ("limit", limit.map { .int($0) } ?? .null),
        ("unit", .string(unit)),
      ])
      fields.add("window_ms", window.map { .int($0.nanoseconds / 1_000_000) })
      fields.add("refused", refused > 0 ? .int(refused) : nil)
      fields.add("meter", meter.map { .string($0) })
      self.fields = fields
    }
  }

  /// The fields of all events except `budget:capped`.
  private static var fields: [EventField] {
    [
      .text("budget", "the limited resource, such as `cpu`"), .integer("used", "in `unit`", "the amount used"),
      .integer("limit", "in `unit`", "the amount allowed").orNull, .text("unit", "`ns`, `bytes` or `count`"),
      .integer("window_ms", "ms", "the window of the limit").sometimes,
      .integer("refused", "in `unit`", "the amount refused").sometimes,
      .text("meter", "the meter of a board's budget").sometimes,
      .text("agent", "the agent; left out for the board").sometimes,
    ]
  }

  private static func example(_ used: Int64) -> Use {
    Use(
      budget: "cpu", used: used, limit: 1_000_000_000, unit: "ns", window: .seconds(10), refused: 20_000_000,
      meter: "cgroup")
  }

  private static func step(_ declaration: EventDeclaration, _ use: Use, _ agent: AgentID?) -> DaemonEvent {
    var payload = use.fields
    payload.add("agent", agent.map { .string($0.rawValue) })
    return DaemonEvent(declaration, payload)
  }

  private static func whose(_ event: Event) -> String {
    event["agent"]?.string.map { "agent \($0.printable)" } ?? "the board"
  }

  private static func share(_ event: Event) -> String { BudgetText.share(event.payload) }

  private static var cappedDeclaration: EventDeclaration {
    EventDeclaration(
      "budget:capped", .normal, journal: .warning, "a budget of a manifest was lowered to the board's limit",
      [.agent, .message], example: capped("climate", "budget.cpu is 50%, lowered to the board's limit of 20%")
    ) { event in "\(whose(event))\(event.because)" }
  }

  /// - Parameter message: the budget that was lowered, in words.
  package static func capped(_ agent: AgentID, _ message: String) -> DaemonEvent {
    DaemonEvent(
      cappedDeclaration, Fields(uniquePairs: [("agent", .string(agent.rawValue)), ("message", .string(message))]))
  }

  private static var warningDeclaration: EventDeclaration {
    EventDeclaration(
      "budget:warning", .normal, journal: .notice, "most of a budget is used", fields,
      example: warning(example(820_000_000), of: "climate")
    ) { event in
      guard let budget = event["budget"]?.string?.printable else { return nil }
      let percent = BudgetText.percent(event.payload) ?? "most"
      return "\(whose(event)) has used \(percent) of its \(budget) budget (\(share(event)))"
    }
  }

  /// - Parameter agent: the agent whose budget it is; nil for the board.
  package static func warning(_ use: Use, of agent: AgentID?) -> DaemonEvent { step(warningDeclaration, use, agent) }

  private static var throttledDeclaration: EventDeclaration {
    EventDeclaration(
      "budget:throttled", .normal, journal: .notice, "a budget is used up: further use is delayed or refused", fields,
      example: throttled(example(1_000_000_000), of: "climate")
    ) { event in
      guard let budget = event["budget"]?.string?.printable else { return nil }
      // Tokens and money are reserved before a call, so one may not fit long before all is used.
      guard budget != "tokens" && budget != "money" else {
        return "\(whose(event)) has too little left of its \(budget) budget for the next call (\(share(event)) used)"
      }
      return "\(whose(event)) has used up its \(budget) budget and is slowed down (\(share(event)))"
    }
  }

  /// - Parameter agent: the agent whose budget it is; nil for the board.
  package static func throttled(_ use: Use, of agent: AgentID?) -> DaemonEvent {
    step(throttledDeclaration, use, agent)
  }

  private static var exceededDeclaration: EventDeclaration {
    EventDeclaration(
      "budget:exceeded", .normal, journal: .warning,
      "use and requests far exceed a budget: the agent is stopped; for the board's budget, the least important agents",
      fields, example: exceeded(example(2_500_000_000), of: "climate")
    ) { event in
      guard let budget = event["budget"]?.string?.printable else { return nil }
      guard event["agent"] != nil else {
        return "\(whose(event)) uses more than its \(budget) budget: agents stop, the least important first"
          + " (\(share(event)))"
      }
      return "\(whose(event)) \(excess(event)) its \(budget) budget and is stopped (\(share(event)))"
    }
  }

  /// The verb of the sentence. An isolation may stop an agent for a refused request, before its budget is used up.
  private static func excess(_ event: Event) -> String {
    let asked = Double(event["used"]?.int ?? 0) + Double(event["refused"]?.int ?? 0)
    let limit = Double(event["limit"]?.int ?? 0)
    return asked <= limit ? "needs more than" : asked > limit * 2 ? "went far beyond" : "went beyond"
  }

  /// - Parameter agent: the agent whose budget it is; nil for the board.
  package static func exceeded(_ use: Use, of agent: AgentID?) -> DaemonEvent { step(exceededDeclaration, use, agent) }

  private static var recoveredDeclaration: EventDeclaration {
    EventDeclaration(
      "budget:recovered", .normal, "the use of a budget is below the warning level again", fields,
      example: recovered(example(500_000_000), of: "climate")
    ) { event in
      guard let budget = event["budget"]?.string?.printable else { return nil }
      return "\(whose(event)) is within its \(budget) budget again (\(share(event)))"
    }
  }

  /// - Parameter agent: the agent whose budget it is; nil for the board.
  package static func recovered(_ use: Use, of agent: AgentID?) -> DaemonEvent {
    step(recoveredDeclaration, use, agent)
  }
}
