import OpenStarryAgent

/// Counts how often a door was opened. The count is durable state: it survives restarts of the agent, the daemon and the
/// board.
struct DoorCounter: Agent {
  private var opened: Int64 = 0

  mutating func handle(_ event: Event, _ context: inout Context) throws(AgentError) {
    guard event.type == "input:door", event["active"]?.bool == true else { return }
    // `initial` is a level, not an edge: a door that is open at the start was not opened.
    if event["initial"]?.bool == true { return }
    opened = (context.state("opened")?.int ?? 0) + 1
    try context.setState("opened", .int(opened))
    // Log only every tenth time, to keep the log readable.
    if opened % 10 == 0 { context.log("the door was opened \(opened) times") }
    try context.emit("door:counted", ["opened": .int(opened)])
  }

  func snapshot() -> Value { ["opened": .int(opened)] }
}
