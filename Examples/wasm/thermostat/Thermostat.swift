import OpenStarryAgent

/// Keeps a room warm: a heater with hysteresis, so that it does not switch with every small change.
struct Thermostat: Agent {
  /// Degrees Celsius.
  static let target = 21.0
  /// Half the width of the hysteresis, in degrees Celsius.
  static let swing = 0.5

  private var isHeating = false
  private var switches: Int64 = 0
  private var last = 0.0
  private var isWaiting = false
  /// The end of the heater's pause (`min_off`), in nanoseconds on the monotonic clock.
  private var restsUntil: UInt64 = 0

  mutating func handle(_ event: Event, _ context: inout Context) throws(AgentError) {
    guard event.type == "sensor:temperature", let temperature = event["value"]?.double else { return }
    last = temperature
    if temperature < Self.target - Self.swing || isHeating && temperature <= Self.target + Self.swing {
      guard event.monotonic >= restsUntil else { return }
      // Each reading renews the lease: if this agent or its sensor fails, the heater goes off ten minutes later.
      if try ask(.on, lease: .seconds(600), event, &context) { try note(true, &context) }
    } else if isHeating {
      if try ask(.off, lease: nil, event, &context) { try note(false, &context) }
    }
  }

  /// Commands the heater. A refusal is an answer (another holder, or `min_off`): a later reading asks again.
  /// - Returns: true if the command was carried out.
  private mutating func ask(
    _ command: ActuatorCommand, lease: Duration?, _ event: Event, _ context: inout Context
  ) throws(AgentError) -> Bool {
    do throws(AgentError) {
      try context.control("heater", command, lease: lease)
      isWaiting = false
      return true
    } catch  where error.isRefusal {
      // A limit has a known end, so asking earlier is useless. Another holder may release the heater at any time.
      if error.code == .limited, let wait = error.retryAfter {
        restsUntil = event.monotonic + UInt64(clamping: wait.nanoseconds)
      }
      if !isWaiting { context.log("the heater has to wait: \(error.description)", .notice) }
      isWaiting = true
      return false
    }
  }

  func snapshot() -> Value {
    ["heating": .bool(isHeating), "switches": .int(switches), "temperature": .double(last)]
  }

  private mutating func note(_ heating: Bool, _ context: inout Context) throws(AgentError) {
    guard heating != isHeating else { return }
    isHeating = heating
    switches += 1
    context.log("\(last) °C: heater \(heating ? "on" : "off")")
    try context.emit("thermostat:switched", ["heating": .bool(heating), "temperature": .double(last)])
  }
}
