import OpenStarryAgent

/// Keeps a greenhouse cool: a fan with hysteresis, so that it does not switch rapidly around one temperature.
struct Climate: Agent {
  static let startAbove = 30.0
  static let stopBelow = 28.0

  private var isCooling = false
  private var isWaiting = false
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
      // Each hot reading renews the lease: if this agent fails, the fan goes to its safe state a minute later.
      if try ask(.on, lease: .seconds(60), &context) {
        note(true, "\(Self.text(temperature)) °C: too warm, fan on", &context)
      }
    } else if temperature < Self.stopBelow && isCooling {
      if try ask(.off, lease: nil, &context) {
        note(false, "\(Self.text(temperature)) °C: cool again, fan off", &context)
      }
    }
  }

  /// Commands the fan. A refusal is an answer (another holder, or `min_off`): the next reading asks again. The sensor's `heartbeat` in the
  /// board file brings one, even if the temperature is steady.
  /// - Returns: true if the command was carried out.
  private mutating func ask(
    _ command: ActuatorCommand, lease: Duration?, _ context: inout Context
  ) throws(AgentError) -> Bool {
    do throws(AgentError) {
      try context.control("fan", command, lease: lease)
      isWaiting = false
      return true
    } catch  where error.isRefusal {
      if !isWaiting { context.log("the fan has to wait: \(error)", .notice) }
      isWaiting = true
      return false
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
