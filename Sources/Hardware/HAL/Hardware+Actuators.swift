import Guardian
import Model

extension Hardware {
  /// Asks an actuator to do something: the only way to move one.
  ///
  /// Checked in this order: it exists, the principal may, the command makes sense, nobody else holds it,
  /// no emergency stop is in force, `exclusive_with`, `min_off`, `max_rate`, `max_on`. A change is published as `device:changed` {device, state,
  /// previous, holder, reason, lease_ms}, with a null lease once it is safe; a refusal publishes nothing. It is published
  /// once the hardware has confirmed it: within this call where it answers at once, later behind a slow bus, and never when
  /// it refuses or another command has overtaken it; `previous` is what was published last. Reasons are
  /// `command`, `override`, `pulse-ended`, `lease-expired`, `max-on` (after a `device:limited`), `holder-ended`,
  /// `taken-over` and `not-taken-over` (from the daemon before), `lost`, `overruled`, `fault`, `shutdown`, and what `safeAll` and `release` are given.
  /// - Parameters:
  ///   - lease: how long it may stay away from its safe state without being asked again; nil takes the board file's.
  ///     The same holder renews it by asking again. It never outlasts `max_on`.
  ///   - cause: what led to the command.
  ///   - override: takes the actuator over from whoever holds it; limits stand all the same. A principal that
  ///     `mayMakeSafe` needs it for nothing that leads to the safe state.
  /// - Returns: what was done; its `id` is that of the `device:changed` event, or the cause's when nothing changed or
  ///   the hardware has not confirmed it yet.
  /// - Throws: `notFound`, `denied`, `invalid`, `busy`, `limited`, `unavailable`, `failed`. When the hardware fails,
  ///   the actuator is told to be safe until it confirms.
  @discardableResult
  public func controlActuator(
    _ id: DeviceID, _ command: ActuatorCommand, lease: Duration? = nil, as principal: Principal, cause: Cause? = nil,
    override: Bool = false
  ) throws(HALError) -> Receipt {
    guard case .actuator(let channel) = channels[id] else { throw notFound(id, "actuator") }
    do throws(HALError) {
      try check(principal.permissions.actuators, id, "control", principal)
      return try channel.carryOut(
        command, lease: lease, by: principal.name, cause: cause, override: override,
        mayMakeSafe: principal.mayMakeSafe, rivals: rivals[id] ?? [], stop: emergencyStop.map { refuse($0, id) })
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

  /// Puts everything that `holder` holds into its safe state and ends its streams: it has ended, or its connection has.
  /// - Parameter cause: what ended it; nil takes the command that each lease came from.
  public func releaseAll(holder: String, cause: Cause? = nil) {
    for channel in actuators { channel.release(holder: holder, reason: "holder-ended", cause: cause) }
    for channel in channels.values { if case .camera(let camera) = channel { camera.unwatch(holder: holder) } }
  }

  /// The same for everybody who holds something and is gone.
  /// - Parameter isGone: whether a holder is.
  public func releaseAll(where isGone: (_ holder: String) -> Bool, cause: Cause? = nil) {
    guard isOpen else { return }
    for holder in Set(actuators.compactMap { $0.lease?.holder }).sorted() where isGone(holder) {
      releaseAll(holder: holder, cause: cause)
    }
  }

  /// A lease had run out while this process did not answer, and the guardian has made its actuator safe: whatever this
  /// process believes of it, somebody else has touched it, so that it goes safe here, too, and whoever holds it has to ask
  /// anew. Publishes `system:guardian_overruled` {device, holder, late_ms, ago_ms, error}, and `device:limited` where it
  /// was `max_on` that ended it.
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

  /// Actuators that are not in their safe state, or whose hardware has not said so.
  public var unsafeActuators: [DeviceID] {
    actuators.filter { !$0.isSafe || !$0.isSettled }.map(\.device.id)
  }

  /// How many actuators the board has.
  public var actuatorCount: Int { actuators.count }

  /// Whether a command leads to an actuator's safe state; false where there is no such actuator.
  public func isSafe(_ command: ActuatorCommand, for id: DeviceID) -> Bool {
    guard case .actuator(let channel) = channels[id] else { return false }
    return command.steadyLevel == channel.settings.safe
  }

  /// Tells every actuator to be safe, whatever is believed of it, and ends every lease. `confirm` says when they are.
  /// - Parameter reason: as it stands in the `device:changed` events, e.g. `emergency-stop`.
  public func safeAll(reason: String, cause: Cause? = nil) {
    for channel in actuators { channel.goSafe(reason, holder: nil, cause ?? channel.lease?.cause, clock.now) }
  }
}
