import OpenStarryAgent

// The conformance suite's agents: one source, linked into the tests and built as programs.

/// Logs `handled` for each event, and reports `{"n": 1}`.
package struct Works: Agent {
  package init() {}
  package mutating func handle(_ event: Event, _ context: inout Context) { context.log("handled") }
  package func snapshot() -> Value { ["n": 1] }
}

/// Fails each event.
package struct Fails: Agent {
  package init() {}
  package mutating func handle(_ event: Event, _ context: inout Context) throws(AgentError) {
    throw AgentError(.notFound, "no such thing")
  }
}

/// Passes a refusal on.
package struct PassesRefusalsOn: Agent {
  package init() {}
  package mutating func handle(_ event: Event, _ context: inout Context) throws(AgentError) {
    try context.control("valve", .on)
  }
}

/// As `Works`, but ends the process when its report is requested.
package struct DiesReporting: Agent {
  package init() {}
  package mutating func handle(_ event: Event, _ context: inout Context) { context.log("handled") }
  package func snapshot() -> Value { fatalError("it dies reporting") }
}
