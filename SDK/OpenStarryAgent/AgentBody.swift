/// An agent of some type, as what serves it sees it.
struct AgentBody {
  let handle: (Event, inout Context) throws(AgentError) -> Void
  let snapshot: () -> Value

  /// Makes an instance.
  init<A: Agent>(_ type: A.Type) {
    var agent = type.init()
    handle = { (event, context) throws(AgentError) in try agent.handle(event, &context) }
    snapshot = { agent.snapshot() }
  }
}
