import OpenStarryAgent

/// Keeps a room warm: a heater with hysteresis, so that it does not switch with every breath of air.
struct Thermostat: Agent {
  /// Degrees Celsius.
  static let target = 21.0
  /// How far the temperature may go to either side before something is done.
  static let swing = 0.5

  private var isHeating = false
  private var switches: Int64 = 0
  private var last = 0.0

  mutating func handle(_ event: Event, _ context: inout Context) throws(AgentError) {
    guard event.type == "sensor:temperature", let temperature = event["value"]?.double else { return }
    last = temperature
    if temperature < Self.target - Self.swing {
      // Renewed with every cold reading: should this agent or its sensor fall silent, the heater is off ten minutes later.
      try context.control("heater", .on, lease: .seconds(600))
      try note(true, &context)
    } else if temperature > Self.target + Self.swing, isHeating {
      try context.control("heater", .off)
      try note(false, &context)
    } else if isHeating {
      try context.control("heater", .on, lease: .seconds(600))
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
