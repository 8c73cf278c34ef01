import OpenStarryAgent

/// Closes the water valve when a leak is found, and keeps it closed until a person clears the leak.
///
/// The valve's safe state is closed, and `on` opens it. The leak is stored in the durable state, so the valve does not open
/// again when the sensor dries, or after a restart. After a refusal the agent logs it, and asks again with every event, such
/// as those of a timer.
struct LeakGuard: Agent {
  private var isClosed = false
  private var isRefused = false

  mutating func handle(_ event: Event, _ context: inout Context) throws(AgentError) {
    switch event.type {
    case "input:leak" where event["active"]?.bool == true:
      // The valve first: storing and logging may fail, and then the water is already off.
      isClosed = true
      try move(.off, lease: nil, &context)
      let isNews = context.state("leak") == nil
      if isNews { try context.setState("leak", .int(Int64(clamping: event.time))) }
      if isNews {
        context.log("water on the floor: the valve is \(isRefused ? "NOT " : "")closed", .alert)
        try context.emit("leak:found")
      }
    case "leak:cleared":
      try context.setState("leak", nil)
      isClosed = false
      context.log("the leak is cleared", .notice)
      try move(.on, lease: .seconds(3600), &context)
    default:
      isClosed = context.state("leak") != nil
      // Any other event renews the desired state: closed during a leak, otherwise open.
      if isClosed {
        try move(.off, lease: nil, &context)
      } else {
        try move(.on, lease: .seconds(3600), &context)
      }
    }
  }

  private mutating func move(
    _ command: ActuatorCommand, lease: Duration?, _ context: inout Context
  ) throws(AgentError) {
    do throws(AgentError) {
      try context.control("valve", command, lease: lease)
      isRefused = false
    } catch  where error.isRefusal {
      if !isRefused { context.log("the valve does not follow: \(error.message)", .alert) }
      isRefused = true
    }
  }

  func snapshot() -> Value { ["closed": .bool(isClosed)] }
}
