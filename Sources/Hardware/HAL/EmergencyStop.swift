import Model

/// All actuators safe and nothing moves, until somebody clears it.
public struct EmergencyStop: Sendable, Hashable {
  /// Who asked for it: `client/<name>`, or the id of an input.
  public var by: String
  /// Milliseconds since 1970: a label, as good as the clock was.
  public var time: UInt64
  /// Why, in words; nil when there is nothing to add.
  public var reason: String?

  /// Puts one together.
  public init(by: String, time: UInt64, reason: String? = nil) {
    self.by = by
    self.time = time
    self.reason = reason
  }
}

extension Hardware {
  /// Stops everything: every actuator goes to its safe state, every lease ends, and until `clearEmergencyStop` no
  /// command is carried out but those that lead to the safe state, whoever gives it.
  ///
  /// Publishes `system:emergency_stop` {by, reason} with the highest priority; a second stop while one is in force
  /// publishes nothing and keeps the first one's author.
  /// - Parameters:
  ///   - by: who asks for it.
  ///   - reason: in words.
  ///   - cause: what led to it; nil begins a chain.
  /// - Returns: whether it was not in force already.
  @discardableResult
  public func stopEverything(by: String, reason: String? = nil, cause: Cause? = nil) -> Bool {
    let isNew = emergencyStop == nil
    var cause = cause
    if isNew {
      let stop = EmergencyStop(by: by, time: clock.wallMilliseconds, reason: reason)
      emergencyStop = stop
      stops += 1
      // Nor does an output that is opened only after the stop go on as it was before it.
      isTakingOver = false
      let event = events.publish(SystemEvents.emergencyStop(by: by, reason: reason), from: by, cause: cause)
      cause = Cause(event)
    }
    safeAll(reason: "emergency-stop", cause: cause)
    if isNew { onEmergencyStop(emergencyStop) }
    return isNew
  }

  /// Lets commands through again. Nothing moves by itself: who wants an actuator has to ask for it anew.
  ///
  /// Publishes `system:emergency_stop_cleared` {by}.
  /// - Returns: whether a stop was in force.
  /// - Throws: `limited` while an input with `emergency_stop` is active or cannot be read.
  @discardableResult
  public func clearEmergencyStop(by: String, cause: Cause? = nil) throws(HALError) -> Bool {
    guard emergencyStop != nil else { return false }
    for device in board.devices {
      guard case .input(let channel) = channels[device.id], let why = channel.stopReason else { continue }
      throw .limited(device.id, rule: "emergency_stop", detail: why, retryAfter: nil)
    }
    emergencyStop = nil
    events.publish(SystemEvents.emergencyStopCleared(by: by), from: by, cause: cause)
    onEmergencyStop(nil)
    return true
  }

  /// What is thrown at a command that would move something.
  func refuse(_ stop: EmergencyStop, _ id: DeviceID) -> HALError {
    .limited(
      id, rule: "emergency_stop", detail: "everything is stopped, by \(stop.by); 'openstarry estop --clear' ends that",
      retryAfter: nil)
  }

  /// Has the inputs that stop everything do so, from the moment they are opened.
  func watchStops() {
    for channel in channels.values {
      guard case .input(let input) = channel, input.settings.emergencyStop else { continue }
      let id = input.device.id
      input.onStop = { [weak self] reason, cause in
        self?.stopEverything(by: id.rawValue, reason: reason, cause: cause)
      }
    }
  }
}
