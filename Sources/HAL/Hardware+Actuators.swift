import Guardian
import Model

extension Hardware {
  /// Asks an actuator to do something: the only way to move one.
  ///
  /// Checked in this order: it exists, the principal may, the command makes sense, nobody else holds it,
  /// no emergency stop is in force, `exclusive_with`, `min_off`, `max_rate`, `max_on`. A change is published as `device:changed` {device, state,
  /// previous, holder, reason, lease_ms}, with a null lease once it is safe; a refusal publishes nothing. Reasons are
  /// `command`, `override`, `pulse-ended`, `lease-expired`, `max-on` (after a `device:limited`), `holder-ended`,
  /// `overruled`, `fault`, `shutdown`, and what `safeAll` and `release` are given.
  /// - Parameters:
  ///   - lease: how long it may stay away from its safe state without being asked again; nil takes the board file's.
  ///     The same holder renews it by asking again. It never outlasts `max_on`.
  ///   - cause: what led to the command.
  ///   - override: takes the actuator over from whoever holds it; limits stand all the same.
  /// - Returns: what was done; its `id` is that of the `device:changed` event, or the cause's when nothing changed.
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
        command, lease: lease, by: principal.name, cause: cause, override: override, rivals: rivals[id] ?? [],
        stop: emergencyStop.map { refuse($0, id) })
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

  /// A lease had run out while this process did not answer, and the guardian has made its actuator safe: whatever this
  /// process believes of it, somebody else has touched it, so that it goes safe here, too, and whoever holds it has to ask
  /// anew. Publishes `system:guardian_overruled` {device, holder, late_ms, ago_ms, error}, and `device:limited` where it
  /// was `max_on` that ended it.
  func giveWay(to output: OverruledOutput) {
    let id = DeviceID(String(decoding: output.device, as: UTF8.self))
    guard case .actuator(let channel) = channels[id] else { return }
    let now = clock.now
    func milliseconds(_ from: UInt64, _ to: UInt64) -> Value { .int(Int64(clamping: to - min(from, to)) / 1_000_000) }
    let event = events.publish(
      "system:guardian_overruled", source: "system", cause: channel.lease?.cause, priority: .high,
      payload: Fields(uniquePairs: [
        ("device", .string(id.rawValue)), ("holder", .string(String(decoding: output.hold.holder, as: UTF8.self))),
        ("late_ms", milliseconds(output.hold.deadline, output.time)),
        ("ago_ms", milliseconds(output.time, now.nanoseconds)),
        ("error", output.errno == 0 ? .null : .int(Int64(output.errno))),
      ]))
    channel.giveWay(to: output.hold, Cause(event))
  }

  /// Actuators that are not in their safe state, or whose hardware has not said so.
  public var unsafeActuators: [DeviceID] {
    actuators.filter { !$0.isSafe || $0.driver == nil }.map(\.device.id)
  }

  /// Puts every actuator into its safe state and ends every lease.
  /// - Parameter reason: as it stands in the `device:changed` events, e.g. `emergency-stop`.
  public func safeAll(reason: String, cause: Cause? = nil) {
    for channel in actuators { channel.goSafe(reason, holder: nil, cause ?? channel.lease?.cause, clock.now) }
  }
}
