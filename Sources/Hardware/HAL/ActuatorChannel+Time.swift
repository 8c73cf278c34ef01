import Guardian
import Model

/// What ends by itself: pulses, leases, `max_on`.
extension ActuatorChannel {
  func expire(_ now: Instant) {
    let isOver = lease.map { $0.deadline <= now } ?? false
    if let pulse, pulse.end <= now {
      // After a suspend both may be over: the output goes safe at once, not by way of the level under the pulse.
      if isOver, pulse.base != settings.safe { self.pulse = nil } else { endPulse(pulse, now) }
    }
    guard isOver, let lease else { return }
    if let limit = publishLimit(lease) {
      goSafe("max-on", holder: nil, limit, now)
    } else {
      goSafe("lease-expired", holder: nil, lease.cause, now)
    }
  }

  /// Says that `max_on` ends a lease.
  /// - Returns: nil when it is not what ends it.
  private func publishLimit(_ lease: Lease) -> Cause? {
    guard lease.isCutByMaxOn, let maxOn = settings.maxOn else { return nil }
    return Cause(
      events.publish(
        DeviceEvents.limited(device.id, rule: "max_on", holder: lease.holder, limit: maxOn),
        from: device.id.rawValue, cause: lease.cause))
  }

  /// The guardian has ended a lease that this process should have ended.
  /// - Parameter cause: that it says so.
  func giveWay(to hold: OutputHold, _ cause: Cause) {
    // What its own timer has ended in the meantime has been said.
    let limit = lease.flatMap { $0.deadline.nanoseconds == hold.deadline ? publishLimit($0) : nil }
    goSafe("overruled", holder: nil, limit ?? cause, clock.now)
  }

  private func endPulse(_ pulse: Pulse, _ now: Instant) {
    self.pulse = nil
    guard pulse.base != settings.safe, let lease else {
      goSafe("pulse-ended", holder: nil, lease?.cause, now)
      return
    }
    guard pulse.base != level else { return }
    let previous = level
    noteChange(now, to: pulse.base)
    // What is not there goes on at this level when it is back.
    if let fault = drive(pulse.base), !isLost { return failed(fault, cause: lease.cause) }
    level = pulse.base
    keep(lease)
    owe(previous, "pulse-ended", holder: lease.holder, lease.cause)
    publishOwed(lease: lease.deadline - now)
  }

  func tick() {
    timer = nil
    expire(clock.now)
    if lease != nil { arm() }
  }

  func arm() {
    guard let lease else { return }
    let due = pulse.map { min($0.end, lease.deadline) } ?? lease.deadline
    if let timer {
      if timerDue <= due { return }
      clock.cancel(timer)
    }
    timerDue = due
    timer = clock.schedule(at: due, onTimer)
  }
}
