import OpenStarryAgent

/// Keeps a greenhouse cool: a fan with hysteresis, so that it does not flutter around one temperature.
struct Climate: Agent {
  static let startAbove = 30.0
  static let stopBelow = 28.0

  private var isCooling = false
  private var switches: Int64 = 0
  private var last = 0.0

  mutating func handle(_ event: Event, _ context: inout Context) throws(AgentError) {
    let temperature: Double
    if let reading = event["value"]?.double {
      temperature = reading
    } else {
      temperature = try context.read("temperature").value
    }
    last = temperature
    if temperature > Self.startAbove {
      // The lease is renewed with every hot reading; should this agent die, the fan is safe a minute later.
      try context.control("fan", .on, lease: .seconds(60))
      note(true, "\(Self.text(temperature)) °C: too warm, fan on", &context)
    } else if temperature < Self.stopBelow && isCooling {
      try context.control("fan", .off)
      note(false, "\(Self.text(temperature)) °C: cool again, fan off", &context)
    }
  }

  func snapshot() -> Value {
    ["cooling": .bool(isCooling), "switches": .int(switches), "temperature": .double(last)]
  }

  private mutating func note(_ cooling: Bool, _ message: String, _ context: inout Context) {
    guard cooling != isCooling else { return }
    isCooling = cooling
    switches += 1
    context.log(message)
  }

  private static func text(_ temperature: Double) -> String {
    "\((temperature * 10).rounded() / 10)"
  }
}
