import OpenStarryAgent

/// Counts who comes in, and lights the way: the count survives restarts.
struct Doorkeeper: Agent {
  private var visits: Int64 = 0

  mutating func handle(_ event: Event, _ context: inout Context) throws(AgentError) {
    guard event["active"]?.bool == true else { return }
    visits = (context.state("visits")?.int ?? 0) + 1
    try context.setState("visits", .int(visits))
    context.log("visitor number \(visits)")
    try context.control("lamp", .pulse(.seconds(3)), lease: .seconds(5))
  }

  func snapshot() -> Value { ["visits": .int(visits)] }
}
