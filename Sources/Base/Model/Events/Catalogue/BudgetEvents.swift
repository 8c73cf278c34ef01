/// What agents, and the board, use of their budgets.
package enum BudgetEvents {
  static var all: [EventDeclaration] {
    [cappedDeclaration, warningDeclaration, throttledDeclaration, exceededDeclaration, recoveredDeclaration]
  }

  /// What is used of a budget.
  package struct Use {
    /// As events and the ledger carry it.
    package let fields: Fields

    /// - Parameters:
    ///   - budget: what is limited, such as `cpu`.
    ///   - used: in `unit`.
    ///   - limit: in `unit`; nil without one.
    ///   - unit: `ns`, `bytes` or `count`.
    ///   - window: the time in which so much may be used; nil where that does not matter.
    ///   - refused: what was asked for and not given, in `unit`.
    ///   - meter: what measures it, where it is of the board.
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

  /// The fields of the events about a step on the ladder.
  private static var fields: [EventField] {
    [
      .text("budget", "what is limited, such as `cpu`"), .integer("used", "as `unit` says", "what was used"),
      .integer("limit", "as `unit` says", "what may be used").orNull, .text("unit", "`ns`, `bytes` or `count`"),
      .integer("window_ms", "ms", "the time in which so much may be used").sometimes,
      .integer("refused", "as `unit` says", "what was asked for and not given").sometimes,
      .text("meter", "of the board, what measures it").sometimes,
      .text("agent", "whose; left out for the board").sometimes,
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
      "budget:capped", .normal, journal: .warning, "a budget of a manifest was lowered to the board's",
      [.agent, .message], example: capped("climate", "budget.cpu is 50%, and the board gives 20% at most")
    ) { event in "\(whose(event))\(event.because)" }
  }

  /// - Parameter message: what was lowered, in words.
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

  /// - Parameter agent: whose; nil for the board.
  package static func warning(_ use: Use, of agent: AgentID?) -> DaemonEvent { step(warningDeclaration, use, agent) }

  private static var throttledDeclaration: EventDeclaration {
    EventDeclaration(
      "budget:throttled", .normal, journal: .notice, "a budget is used up: more of it waits or is refused", fields,
      example: throttled(example(1_000_000_000), of: "climate")
    ) { event in
      guard let budget = event["budget"]?.string?.printable else { return nil }
      return "\(whose(event)) has used up its \(budget) budget and is slowed down (\(share(event)))"
    }
  }

  /// - Parameter agent: whose; nil for the board.
  package static func throttled(_ use: Use, of agent: AgentID?) -> DaemonEvent {
    step(throttledDeclaration, use, agent)
  }

  private static var exceededDeclaration: EventDeclaration {
    EventDeclaration(
      "budget:exceeded", .normal, journal: .warning,
      "far more than a budget was used or asked for: the agent is stopped, or, for the board's, the least important agents",
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

  /// How far beyond. Who runs an agent may end it for what it was not given: then it has less than all of it.
  private static func excess(_ event: Event) -> String {
    let asked = Double(event["used"]?.int ?? 0) + Double(event["refused"]?.int ?? 0)
    let limit = Double(event["limit"]?.int ?? 0)
    return asked <= limit ? "needs more than" : asked > limit * 2 ? "went far beyond" : "went beyond"
  }

  /// - Parameter agent: whose; nil for the board.
  package static func exceeded(_ use: Use, of agent: AgentID?) -> DaemonEvent { step(exceededDeclaration, use, agent) }

  private static var recoveredDeclaration: EventDeclaration {
    EventDeclaration(
      "budget:recovered", .normal, "less than most of a budget is used again", fields,
      example: recovered(example(500_000_000), of: "climate")
    ) { event in
      guard let budget = event["budget"]?.string?.printable else { return nil }
      return "\(whose(event)) is within its \(budget) budget again (\(share(event)))"
    }
  }

  /// - Parameter agent: whose; nil for the board.
  package static func recovered(_ use: Use, of agent: AgentID?) -> DaemonEvent {
    step(recoveredDeclaration, use, agent)
  }
}
