import OpenStarryAgent

// The conformance suite's agents: one source, linked into the tests and built as programs.

/// Logs `handled` for each event, and reports `{"n": 1}`.
public struct Works: Agent {
  public init() {}
  public mutating func handle(_ event: Event, _ context: inout Context) { context.log("handled") }
  public func snapshot() -> Value { ["n": 1] }
}

/// Fails each event.
public struct Fails: Agent {
  public init() {}
  public mutating func handle(_ event: Event, _ context: inout Context) throws(AgentError) {
    throw AgentError(.notFound, "no such thing")
  }
}

/// Passes a refusal on.
public struct PassesRefusalsOn: Agent {
  public init() {}
  public mutating func handle(_ event: Event, _ context: inout Context) throws(AgentError) {
    try context.control("valve", .on)
  }
}

/// As `Works`, but ends the process when its report is requested.
public struct DiesReporting: Agent {
  public init() {}
  public mutating func handle(_ event: Event, _ context: inout Context) { context.log("handled") }
  public func snapshot() -> Value { fatalError("it dies reporting") }
}
