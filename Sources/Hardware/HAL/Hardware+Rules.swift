import Model

// What rules need beyond readings and commands: to know when something has changed, why a command would be refused, and
// since when an output is as it is.
extension Hardware {
  /// The state of an output, for conditions.
  package struct OutputState: Sendable, Hashable {
    /// The level that was commanded last, 0 to 1.
    package var commanded: Double
    /// The level that the hardware has confirmed; nil while it is unknown.
    package var level: Double?
    /// The holder of its lease; nil without one.
    package var holder: String?
    /// The end of that lease; nil without one.
    package var leaseEnds: Instant?
    /// Its last change of level; nil before the first since the start.
    package var changed: Instant?
    /// When it last left its safe state; nil when it never did since the start.
    package var wentOn: Instant?
    /// How long it has been away from its safe state since the start.
    package var onTime: Duration
    /// Its fault, in words; nil while it works.
    package var fault: String?
    /// Whether it went safe because it was switched without its effect, and nobody has acknowledged that.
    package var awaitsAcknowledgement = false
    /// Its safe level.
    package var safe: Double
    /// How long a lease lasts by default.
    package var lease: Duration
  }

  /// The state of an output; nil when there is no such output.
  package func output(_ id: DeviceID) -> OutputState? {
    guard case .actuator(let channel) = channels[id] else { return nil }
    var state = channel.state(at: clock.now)
    state.awaitsAcknowledgement = effects[id].map { $0.shown != nil && $0.settings.otherwise == .safe } ?? false
    return state
  }

  /// Why a command would be refused now, without trying it; nil if it would not be.
  package func obstacle(_ id: DeviceID, _ command: ActuatorCommand, as principal: Principal) -> HALError? {
    guard case .actuator(let channel) = channels[id] else { return notFound(id, "actuator") }
    return channel.obstacle(
      command, by: principal.name, rivals: rivals[id] ?? [], stop: emergencyStop.map { refuse($0, id) })
  }

  /// The level that a command leads to, within `min` and `max`; nil for a command that makes no sense for the output.
  package func target(_ id: DeviceID, _ command: ActuatorCommand) -> Double? {
    guard case .actuator(let channel) = channels[id], let driver = channel.driver else { return nil }
    return try? channel.target(of: command, driver)
  }

  /// Opens or shuts the interlock of an output. While it is shut the output is in its safe state, whoever commands it.
  /// - Parameters:
  ///   - reason: why it is shut, as a clause; nil opens it.
  ///   - cause: the change that shut it.
  package func setInterlock(_ id: DeviceID, _ reason: String?, cause: Cause?) {
    guard case .actuator(let channel) = channels[id] else { return }
    channel.interlock = reason
    for output in imagined where output.device == id { output.setInterlock(reason, cause) }
    guard reason != nil, channel.level != channel.settings.safe else { return }
    channel.goSafe("only-while", holder: nil, cause ?? channel.lease?.cause, clock.now)
  }

  /// What is known of a sensor, or of the level of an input, even when it is silent.
  package struct ReadingState: Sendable, Hashable {
    /// The newest good reading, however old; nil before the first.
    package var good: Reading?
    /// The good value before that.
    package var previous: Double?
    /// The quality of the newest reading; nil before the first.
    package var quality: Reading.Quality?
    /// Whether `newestGood` gives a value.
    package var isGood: Bool
    /// How old the newest good reading may become before `newestGood` gives none; nil for inputs, which have no age.
    package var staleAfter: Duration?
    /// The unit; empty for none.
    package var unit: String
  }

  /// What is known of a sensor or input; nil when there is no such device.
  package func readingState(_ id: DeviceID) -> ReadingState? {
    switch channels[id] {
    case .sensor(let channel): return channel.readingState
    case .input(let channel):
      let reading = try? channel.newest()
      return ReadingState(
        good: reading, quality: reading?.quality, isGood: reading != nil, staleAfter: nil, unit: "")
    default: return nil
    }
  }

  /// Publishes the newest reading of a sensor if it was not published because of its deadband.
  package func publishNow(_ id: DeviceID) {
    if case .sensor(let channel) = channels[id] { channel.publishNow() }
  }
}
