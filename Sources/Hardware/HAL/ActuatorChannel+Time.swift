import Guardian
import Model

/// Deadlines: pulses, leases, `max_on`.
extension ActuatorChannel {
  func expire(_ now: Instant) {
    let isOver = lease.map { $0.deadline <= now } ?? false
    if let pulse, pulse.end <= now {
      // If both are over, e.g. after a suspend, go safe at once instead of returning to the base level first.
      if isOver, pulse.base != settings.safe { self.pulse = nil } else { endPulse(pulse, now) }
    }
    guard isOver, let lease else { return }
    if let limit = publishLimit(lease) {
      mustRest = settings.minOff == nil
      goSafe("max-on", holder: nil, limit, now)
    } else if !handOver(now) {
      goSafe("lease-expired", holder: nil, lease.cause, now)
    }
  }

  /// Publishes `device:limited` if `max_on` ends the lease.
  /// - Returns: the event as cause; nil when the lease ends by itself.
  private func publishLimit(_ lease: Lease) -> Cause? {
    guard lease.isCutByMaxOn, let maxOn = settings.maxOn else { return nil }
    return Cause(
      events.publish(
        DeviceEvents.limited(device.id, rule: "max_on", holder: lease.holder, limit: maxOn),
        from: device.id.rawValue, cause: lease.cause))
  }

  /// Makes it safe because the guardian has ended an overdue lease.
  /// - Parameter cause: the `system:guardian_overruled` event.
  func giveWay(to hold: OutputHold, _ cause: Cause) {
    // If the own timer has ended that lease meanwhile, its end has been published already.
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
    // Absent hardware is no failure: it resumes at the base level when it is back.
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
