import OpenStarryAgent

/// Counts visitors, and turns the lamp on for each. The count survives restarts.
struct Doorkeeper: Agent {
  private var visits: Int64 = 0

  mutating func handle(_ event: Event, _ context: inout Context) throws(AgentError) {
    guard event["active"]?.bool == true else { return }
    visits = (context.state("visits")?.int ?? 0) + 1
    try context.setState("visits", .int(visits))
    context.log("visitor number \(visits)")
    do throws(AgentError) {
      try context.control("lamp", .pulse(.seconds(3)), lease: .seconds(5))
    } catch  where error.isRefusal {
      // Another holder has the lamp; the visitor is counted anyway.
      context.log("no light: \(error)", .notice)
    }
  }

  func snapshot() -> Value { ["visits": .int(visits)] }
}
