import OpenStarryAgent

/// Counts how often a door was opened. The count is durable: it goes on where it was after a restart of the agent, of the
/// daemon, or of the board.
struct DoorCounter: Agent {
  private var opened: Int64 = 0

  mutating func handle(_ event: Event, _ context: inout Context) throws(AgentError) {
    guard event.type == "input:door", event["active"]?.bool == true else { return }
    opened = (context.state("opened")?.int ?? 0) + 1
    try context.setState("opened", .int(opened))
    // A line for every tenth time: logs are for people.
    if opened % 10 == 0 { context.log("the door was opened \(opened) times") }
    try context.emit("door:counted", ["opened": .int(opened)])
  }

  func snapshot() -> Value { ["opened": .int(opened)] }
}
