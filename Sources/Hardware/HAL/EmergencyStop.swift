import Model

/// A state in which all actuators are safe and none may move, until a person clears it.
package struct EmergencyStop: Sendable, Hashable {
  /// Its author: `client/<name>`, or the id of an input.
  package var by: String
  /// When it began, in milliseconds since 1970. A label only: the wall clock may have been wrong.
  package var time: UInt64
  /// The reason, for people; nil when none was given.
  package var reason: String?

  /// Describes a stop; `Hardware.stopEverything` puts one in force.
  package init(by: String, time: UInt64, reason: String? = nil) {
    self.by = by
    self.time = time
    self.reason = reason
  }
}

extension Hardware {
  /// Begins an emergency stop: every actuator goes to its safe state and every lease ends. Until `clearEmergencyStop`
  /// only commands that lead to the safe state are carried out, for any principal.
  ///
  /// Publishes `system:emergency_stop` {by, reason} with the highest priority. A second stop while one is in force
  /// publishes nothing and keeps the first author, but drives the actuators safe again.
  /// - Parameters:
  ///   - by: the author, as in `EmergencyStop.by`.
  ///   - reason: for people; nil when none was given.
  ///   - cause: the event that led to it; nil begins a chain.
  /// - Returns: true when the stop is new, false when one was already in force.
  @discardableResult
  package func stopEverything(by: String, reason: String? = nil, cause: Cause? = nil) -> Bool {
    let isNew = emergencyStop == nil
    var cause = cause
    if isNew {
      let stop = EmergencyStop(by: by, time: clock.wallMilliseconds, reason: reason)
      emergencyStop = stop
      stops += 1
      // An output that is opened after the stop must not resume the previous daemon's level.
      isTakingOver = false
      let event = events.publish(SystemEvents.emergencyStop(by: by, reason: reason), from: by, cause: cause)
      cause = Cause(event)
    }
    safeAll(reason: "emergency-stop", cause: cause)
    // Whatever waits, the outputs come first.
    if isNew { approvals.voidAll("everything was stopped, by \(by)") }
    if isNew { onEmergencyStop(emergencyStop) }
    return isNew
  }

  /// Clears the emergency stop. Nothing moves by itself: former holders have to send their commands again.
  ///
  /// Publishes `system:emergency_stop_cleared` {by}.
  /// - Parameters:
  ///   - by: who clears it, as in `EmergencyStop.by`.
  ///   - cause: the event that led to it; nil begins a chain.
  /// - Returns: whether a stop was in force.
  /// - Throws: `limited` while an input with `emergency_stop` is active or cannot be read.
  @discardableResult
  package func clearEmergencyStop(by: String, cause: Cause? = nil) throws(HALError) -> Bool {
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

  /// The error for a command that would leave the safe state during `stop`.
  func refuse(_ stop: EmergencyStop, _ id: DeviceID) -> HALError {
    .limited(
      id, rule: "emergency_stop", detail: "everything is stopped, by \(stop.by); 'openstarry estop --clear' ends that",
      retryAfter: nil)
  }

  /// Lets inputs with `emergency_stop` begin a stop, from the moment they are opened.
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
