/// An agent without its type, for the code that runs it.
struct AnyAgent {
  let handle: (Event, inout Context) throws(AgentError) -> Void
  let snapshot: () -> Value

  /// Creates the agent.
  init<A: Agent>(_ type: A.Type) {
    var agent = type.init()
    handle = { (event, context) throws(AgentError) in try agent.handle(event, &context) }
    snapshot = { agent.snapshot() }
  }
}
