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

/// Adds 1 to the value of `n`, and removes `old`.
package struct KeepsState: Agent {
  package init() {}
  package mutating func handle(_ event: Event, _ context: inout Context) throws(AgentError) {
    let n = context.state("n")?.int ?? 0
    try context.setState("n", .int(n + 1))
    try context.setState("old", nil)
  }
}

/// Sets two timers, and cancels one of them.
package struct SetsTimers: Agent {
  package init() {}
  package mutating func handle(_ event: Event, _ context: inout Context) throws(AgentError) {
    try context.after(.seconds(5), timer: "dry")
    try context.every(.seconds(30), timer: "poll")
    context.cancel(timer: "dry")
  }
}

/// As `Works`, but ends the process when its report is requested.
package struct DiesReporting: Agent {
  package init() {}
  package mutating func handle(_ event: Event, _ context: inout Context) { context.log("handled") }
  package func snapshot() -> Value { fatalError("it dies reporting") }
}

/// Logs `handled`, and ends the process in the middle of each event.
package struct DiesHandling: Agent {
  package init() {}
  package mutating func handle(_ event: Event, _ context: inout Context) {
    context.log("handled")
    fatalError("it dies handling")
  }
}

/// Never returns from its handler.
package struct Spins: Agent {
  package init() {}
  package mutating func handle(_ event: Event, _ context: inout Context) { while true {} }
}
