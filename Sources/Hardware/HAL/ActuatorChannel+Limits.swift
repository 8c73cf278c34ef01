import Model

/// Translates commands into levels, and checks the limits.
extension ActuatorChannel {
  /// The level that a command asks for, held between `min` and `max` unless it is the safe one.
  func target(of command: ActuatorCommand, _ driver: any OutputDriver) throws(HALError) -> Double {
    held(try wanted(command, driver), driver)
  }

  /// A level between `min` and `max`, or the safe one.
  func held(_ level: Double, _ driver: any OutputDriver) -> Double {
    level == settings.safe || !driver.isAnalogue ? level : min(max(level, settings.min), settings.max)
  }

  private func wanted(_ command: ActuatorCommand, _ driver: any OutputDriver) throws(HALError) -> Double {
    switch command {
    case .off: return 0
    case .on: return 1
    case .pulse(let length):
      guard length > .zero else { throw .invalid(device.id, "a pulse must be longer than zero") }
      guard settings.safe != 1 else { throw .invalid(device.id, "its safe state is on, so it cannot be pulsed") }
      return 1
    case .level(let level):
      guard level >= 0, level <= 1 else { throw .invalid(device.id, "a level is from 0 to 1, not \(level)") }
      guard driver.isAnalogue || level == 0 || level == 1 else {
        throw .invalid(device.id, "it is a digital output: a level is 0 or 1, not \(level)")
      }
      return level
    }
  }

  func checkLimits(
    _ command: ActuatorCommand, _ target: Double, _ rivals: [ActuatorChannel], _ now: Instant
  ) throws(HALError) {
    if let interlock { throw .limited(device.id, rule: "only_while", detail: interlock, retryAfter: nil) }
    if level == settings.safe {
      for rival in rivals where !rival.isSafe {
        throw .limited(
          device.id, rule: "exclusive_with", detail: rival.whyNotSafe,
          // The end of the lease helps only if the rival's hardware obeys.
          retryAfter: rival.isLost || rival.health.error != nil ? nil : rival.lease.map { $0.deadline - now })
      }
      // `min_off` starts when the hardware confirms the safe state; until then assume the output is still on.
      if confirmed == nil, let rule = settings.minOff != nil ? "min_off" : settings.maxOn != nil ? "max_on" : nil {
        throw .limited(
          device.id, rule: rule, detail: "its safe state is not confirmed yet", retryAfter: settings.minOff)
      }
      if let minOff = settings.minOff, now - offSince < minOff {
        throw .limited(
          device.id, rule: "min_off", detail: "it has to rest for \(minOff.text)",
          retryAfter: minOff - (now - offSince))
      }
    }
    if level == settings.safe, mustRest, let maxOn = settings.maxOn, now - offSince < maxOn {
      throw .limited(
        device.id, rule: "max_on", detail: "it was on for \(maxOn.text), and has to rest as long",
        retryAfter: maxOn - (now - offSince))
    }
    if target != level, let wait = changes?.wait(at: now), let rate = settings.maxRate {
      throw .limited(device.id, rule: "max_rate", detail: "it may change \(rate) at most", retryAfter: wait)
    }
    if case .pulse(let length) = command, let wait = waitForReturn(target, length, now), let rate = settings.maxRate {
      throw .limited(
        device.id, rule: "max_rate", detail: "it may change \(rate) at most, and goes back after the pulse",
        retryAfter: wait)
    }
    if case .pulse(let length) = command, let maxOn {
      let end = (onSince ?? now) + maxOn
      guard now + length <= end else {
        throw .limited(
          device.id, rule: "max_on", detail: "a pulse of \(length.text) is longer than the \((end - now).text) it has",
          retryAfter: nil)
      }
    }
  }

  /// How long until a pulse's return is within `max_rate`; nil when it is. A return to the safe state is always
  /// allowed.
  private func waitForReturn(_ target: Double, _ length: Duration, _ now: Instant) -> Duration? {
    let base = pulse?.base ?? level
    guard base != settings.safe, base != target else { return nil }
    return changes?.wait(at: now + length, after: target == level ? nil : now)
  }

  /// Why this keeps its rivals in their safe states, for people.
  private var whyNotSafe: String {
    if let error = health.error {
      return "it is unknown whether '\(device.id)' is in its safe state: \(error)"
    }
    return "'\(device.id)' is not in its safe state" + (lease.map { ", held by \($0.holder)" } ?? "")
  }
}
