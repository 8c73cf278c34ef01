import OpenStarryAgent

/// Closes the water when there is some on the floor, and keeps it closed until a person says otherwise.
///
/// The valve's safe state is closed, so it is `on` that lets water through. What this agent adds is that water does not
/// come back by itself: not when the sensor dries, and not after a restart.
struct LeakGuard: Agent {
  private var isClosed = false

  mutating func handle(_ event: Event, _ context: inout Context) throws(AgentError) {
    switch event.type {
    case "input:leak" where event["active"]?.bool == true:
      // The valve first: keeping and telling can fail, and then the water is off already.
      try context.control("valve", .off)
      let isNews = context.state("leak") == nil
      if isNews { try context.setState("leak", .int(Int64(clamping: event.time))) }
      isClosed = true
      if isNews {
        context.log("water on the floor: the valve is closed", .alert)
        try context.emit("leak:found")
      }
    case "leak:cleared":
      try context.setState("leak", nil)
      isClosed = false
      context.log("the leak is cleared", .notice)
      try context.control("valve", .on, lease: .seconds(3600))
    default:
      isClosed = context.state("leak") != nil
      // Anything else that wakes it renews what should be: open while all is well, closed while it is not.
      if isClosed {
        try context.control("valve", .off)
      } else {
        try context.control("valve", .on, lease: .seconds(3600))
      }
    }
  }

  func snapshot() -> Value { ["closed": .bool(isClosed)] }
}
