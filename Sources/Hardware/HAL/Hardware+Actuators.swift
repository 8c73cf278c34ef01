import Guardian
import Model

extension Hardware {
  /// Commands an actuator. This is the only way to move one.
  ///
  /// Checks, in this order: the device exists, the principal's permissions, the command's sense, another's lease
  /// (rules yield to one another and to people), an emergency stop, `only_while`, `exclusive_with`, `min_off`, `max_rate`,
  /// `max_on`, `approval`. A refusal publishes nothing but `approval:waiting`.
  ///
  /// A change is published as `device:changed` {device, state, previous, holder, reason, lease_ms} once the hardware
  /// has confirmed it: within this call if it answers at once, later behind a slow bus, and never if it refuses or
  /// another command overtakes it. `previous` is the state published last; `lease_ms` is null in the safe state.
  /// Reasons are `command`, `override`, `pulse-ended`, `lease-expired`, `max-on` (after a `device:limited`),
  /// `holder-ended`, `taken-over` and `not-taken-over` (from the previous daemon), `lost`, `overruled`, `fault`,
  /// `shutdown`, and those passed to `safeAll` and `release`.
  /// - Parameters:
  ///   - lease: how long the actuator may stay away from its safe state; nil takes the board file's. Another command by
  ///     the same holder renews it. It never outlasts `max_on`.
  ///   - cause: the event that led to the command; nil when there is none.
  ///   - override: takes the actuator over from another holder; limits still apply. A principal with `mayMakeSafe` does
  ///     not need it to make the actuator safe.
  ///   - request: what goes with it if a person has to approve it.
  /// - Returns: the outcome. Its `id` is that of the `device:changed` event, or the cause's when nothing changed or the
  ///   hardware has not confirmed it yet.
  /// - Throws: `notFound`, `denied`, `invalid`, `busy`, `limited`, `waits`, `unavailable`, `failed`. After `failed` the safe
  ///   state is retried until the hardware confirms it.
  @discardableResult
  package func controlActuator(
    _ id: DeviceID, _ command: ActuatorCommand, lease: Duration? = nil, as principal: Principal, cause: Cause? = nil,
    override: Bool = false, request: ApprovalRequest = ApprovalRequest()
  ) throws(HALError) -> Receipt {
    guard case .actuator(let channel) = channels[id] else { throw notFound(id, "actuator") }
    do throws(HALError) {
      try check(principal.permissions.actuators, id, "control", principal)
      let receipt = try channel.carryOut(
        command, lease: lease, by: principal.name, cause: cause, override: override,
        mayMakeSafe: principal.mayMakeSafe, rivals: rivals[id] ?? [], stop: emergencyStop.map { refuse($0, id) }
      ) { level throws(HALError) in
        try approvals.require(
          channel.settings, id, command, level: level, lease: lease, override: override, principal, cause, request)
      }
      onCommand(id, receipt.state == channel.settings.safe, principal)
      return receipt
    } catch {
      switch error {
      case .denied: channel.denials += 1  // counted for the board by `check`
      case .busy, .limited:
        channel.denials += 1
        denials += 1
      default: break
      }
      throw error
    }
  }

  /// Makes every actuator of `holder` safe and ends its camera streams, because the holder or its connection has ended.
  /// - Parameter cause: the event that ended it; nil takes the command that began each lease.
  package func releaseAll(holder: String, cause: Cause? = nil) {
    approvals.forget(holder)
    for channel in actuators { channel.release(holder: holder, reason: "holder-ended", cause: cause) }
    for channel in channels.values { if case .camera(let camera) = channel { camera.unwatch(holder: holder) } }
  }

  /// Releases every lease whose holder is gone; does nothing while the gate is closed.
  /// - Parameters:
  ///   - isGone: whether the holder of that name is gone.
  ///   - cause: as for `releaseAll(holder:cause:)`.
  package func releaseAll(where isGone: (_ holder: String) -> Bool, cause: Cause? = nil) {
    guard isOpen else { return }
    for holder in Set(actuators.compactMap { $0.lease?.holder }).sorted() where isGone(holder) {
      releaseAll(holder: holder, cause: cause)
    }
  }

  /// Makes an actuator safe whose overdue lease the guardian has ended while this process hung. The guardian has moved
  /// the output, so even a lease renewed since then ends. Publishes `system:guardian_overruled` {device, holder,
  /// late_ms, ago_ms, error}, and `device:limited` if `max_on` ended the lease.
  func giveWay(to output: OverruledOutput) {
    let id = DeviceID(String(decoding: output.device, as: UTF8.self))
    guard case .actuator(let channel) = channels[id] else { return }
    let now = clock.now
    func time(_ from: UInt64, _ to: UInt64) -> Duration { .nanoseconds(Int64(clamping: to - min(from, to))) }
    let event = events.publish(
      SystemEvents.guardianOverruled(
        id, holder: String(decoding: output.hold.holder, as: UTF8.self), late: time(output.hold.deadline, output.time),
        ago: time(output.time, now.nanoseconds), errno: output.errno == 0 ? nil : Int(output.errno)),
      from: "system", cause: channel.lease?.cause)
    channel.giveWay(to: output.hold, Cause(event))
  }

  /// Actuators that are not in their safe state, or whose hardware has not confirmed it.
  package var unsafeActuators: [DeviceID] {
    actuators.filter { !$0.isSafe || !$0.isSettled }.map(\.device.id)
  }

  /// How many actuators the board has.
  package var actuatorCount: Int { actuators.count }

  /// Whether a command leads to an actuator's safe state; false when there is no such actuator.
  package func isSafe(_ command: ActuatorCommand, for id: DeviceID) -> Bool {
    guard case .actuator(let channel) = channels[id] else { return false }
    return command.steadyLevel == channel.settings.safe
  }

  /// Ends every lease and drives every actuator safe, whatever its believed level. `confirm` reports the answers.
  /// - Parameters:
  ///   - reason: for the `device:changed` events, e.g. `emergency-stop`.
  ///   - cause: nil takes the command that began each lease.
  package func safeAll(reason: String, cause: Cause? = nil) {
    for channel in actuators { channel.goSafe(reason, holder: nil, cause ?? channel.lease?.cause, clock.now) }
    for output in imagined { output.goSafe(reason, cause) }
  }
}
