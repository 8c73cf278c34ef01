import Model

/// An output that is only imagined: it has the limits, leases and deadlines of an output of the board, and moves nothing.
///
/// It is an `ActuatorChannel` of its own behind hardware that obeys at once, so that all that the gate does to an output
/// is done to it by the same code. Whether it could be commanded at all, its real counterpart says.
package final class ImaginaryOutput {
  /// A change that was imagined.
  package struct Change {
    /// The level, 0 to 1.
    package var level: Double
    /// Who holds it, or did.
    package var holder: String
    /// As in `device:changed`: `command`, `lease-expired`, `max-on`, …
    package var reason: String
    /// What led to it; nil if nothing is known.
    package var cause: Cause?
  }

  /// The output of the board.
  package let device: DeviceID
  private let real: ActuatorChannel
  let channel: ActuatorChannel
  private let clock: any Timekeeper

  /// - Parameter onChange: publishes a change, and returns the event.
  init(of real: ActuatorChannel, _ clock: any Timekeeper, _ onChange: @escaping (Change) -> Event) {
    self.real = real
    self.clock = clock
    device = real.device.id
    var settings = real.settings
    // Imagined hardware forgets nothing, and the interlock is that of the real output.
    (settings.refresh, settings.onlyWhile) = (.zero, nil)
    channel = ActuatorChannel(real.device, settings, clock, ChangeSink(onChange))
    channel.interlock = real.interlock
  }

  /// The level, 0 to 1.
  package var level: Double { channel.level }

  /// The state, as `Hardware.output` gives it for a real output.
  package var state: Hardware.OutputState { channel.state(at: clock.now) }

  /// Who has it next when its holder lets it go; as `Hardware.heir`.
  package func setHeir(_ heir: @escaping () -> (level: Double, holder: String, cause: Cause?)?) { channel.heir = heir }

  /// Ends the lease of a holder.
  /// - Parameter reason: as for `Hardware.release`.
  package func release(holder: String, reason: String, cause: Cause?) {
    channel.release(holder: holder, reason: reason, cause: cause)
  }

  func goSafe(_ reason: String, _ cause: Cause?) {
    channel.goSafe(reason, holder: nil, cause ?? channel.lease?.cause, clock.now)
  }

  func setInterlock(_ reason: String?, _ cause: Cause?) {
    channel.interlock = reason
    if reason != nil, channel.level != channel.settings.safe { goSafe("only-while", cause) }
  }

  /// Throws why the real output could not be commanded, whoever holds it.
  /// - Parameter isSafe: whether the command makes it safe.
  func requireReal(isSafe: Bool) throws(HALError) {
    guard let driver = real.driver else {
      throw real.health.error ?? .unavailable(device, "it is not open")
    }
    guard real.end == nil else { throw .unavailable(device, "the daemon is stopping") }
    if !isSafe, real.confirmed == nil, let error = real.health.error { throw error }
    guard channel.driver == nil else { return }
    channel.attach(ImaginaryDriver(isAnalogue: driver.isAnalogue))
    // It has rested as long as the real one.
    channel.offSince = real.offSince
  }
}

extension Hardware {
  /// Imagines an output, in its safe state. It follows emergency stops and the interlock until `forget`.
  /// - Parameter onChange: called with each imagined change; publishes it, and returns the event.
  /// - Returns: nil when there is no such output.
  package func imagine(
    _ id: DeviceID, _ onChange: @escaping (ImaginaryOutput.Change) -> Event
  ) -> ImaginaryOutput? {
    guard case .actuator(let channel) = channels[id] else { return nil }
    let output = ImaginaryOutput(of: channel, clock, onChange)
    imagined.append(output)
    return output
  }

  /// Drops an imagined output.
  package func forget(_ output: ImaginaryOutput) {
    output.channel.endLease()
    imagined.removeAll { $0 === output }
  }

  /// Commands an imagined output, as `controlActuator` commands a real one, except that nobody else holds it.
  /// - Parameters:
  ///   - others: the outputs that are imagined with it: of those that exclude it, these count instead of the real ones.
  ///   - lease: as for `controlActuator`.
  /// - Throws: what `controlActuator` would throw, except `busy`.
  package func control(
    _ output: ImaginaryOutput, among others: [DeviceID: ImaginaryOutput], _ command: ActuatorCommand, lease: Duration?,
    as principal: Principal, cause: Cause?
  ) throws(HALError) -> Receipt {
    try require(output, command, principal)
    return try output.channel.carryOut(
      command, lease: lease, by: principal.name, cause: cause, override: false, mayMakeSafe: true,
      rivals: rivals(of: output, among: others), stop: emergencyStop.map { refuse($0, output.device) })
  }

  /// Why a command to an imagined output would be refused; nil if it would not be.
  package func obstacle(
    _ output: ImaginaryOutput, among others: [DeviceID: ImaginaryOutput], _ command: ActuatorCommand,
    as principal: Principal
  ) -> HALError? {
    do throws(HALError) { try require(output, command, principal) } catch { return error }
    return output.channel.obstacle(
      command, by: principal.name, rivals: rivals(of: output, among: others),
      stop: emergencyStop.map { refuse($0, output.device) })
  }

  private func require(
    _ output: ImaginaryOutput, _ command: ActuatorCommand, _ principal: Principal
  ) throws(HALError) {
    // Not `check`, which counts refusals of the board.
    guard principal.permissions.actuators.contains(where: { $0.matches(output.device.rawValue) }) else {
      throw .denied(output.device, operation: "control", principal: principal.name)
    }
    try output.requireReal(isSafe: isSafe(command, for: output.device))
  }

  private func rivals(of output: ImaginaryOutput, among others: [DeviceID: ImaginaryOutput]) -> [ActuatorChannel] {
    (rivals[output.device] ?? []).map { rival in
      guard let imagined = others[rival.device.id]?.channel, imagined.driver != nil else { return rival }
      return imagined
    }
  }

  /// Calls back after each change of a real output that its hardware has confirmed.
  package func follow(_ id: DeviceID, _ onChange: @escaping (ImaginaryOutput.Change) -> Void) {
    guard case .actuator(let channel) = channels[id] else { return }
    channel.onChange = { owed in
      onChange(
        ImaginaryOutput.Change(level: owed.state, holder: owed.holder, reason: owed.reason, cause: owed.cause))
    }
  }
}

extension ActuatorChannel {
  /// What others see of it.
  func state(at now: Instant) -> Hardware.OutputState {
    Hardware.OutputState(
      commanded: level, level: confirmed, holder: lease?.holder, leaseEnds: lease?.deadline,
      changed: times.changed, wentOn: times.wentOn, onTime: times.onTime(now), fault: health.error?.description,
      safe: settings.safe, lease: settings.lease)
  }
}

/// Hardware that obeys at once.
private final class ImaginaryDriver: OutputDriver {
  let isAnalogue: Bool

  init(isAnalogue: Bool) { self.isAnalogue = isAnalogue }

  func set(_ level: Double, _ done: @escaping (Result<Void, HALError.Fault>) -> Void) { done(.success(())) }

  func release(_ mode: ActuatorSettings.OnExit) {}
}

/// Takes what the channel of an imagined output would publish.
private final class ChangeSink: EventSink {
  private let onChange: (ImaginaryOutput.Change) -> Event

  init(_ onChange: @escaping (ImaginaryOutput.Change) -> Event) { self.onChange = onChange }

  func publish(_ type: String, source: String, cause: Cause?, priority: Priority, payload: Fields) -> Event {
    guard type == DeviceEvents.changedName, let level = payload["state"]?.double,
      let holder = payload["holder"]?.string, let reason = payload["reason"]?.string
    else {
      // A limit that was reached, of which the change tells: it stands for its cause.
      return Event(
        id: cause?.id ?? ULID(high: 0, low: 0), type: type, time: 0, clockSynchronised: false, monotonic: 0,
        source: source, trace: cause?.trace, depth: cause?.depth ?? 0, payload: payload)
    }
    return onChange(ImaginaryOutput.Change(level: level, holder: holder, reason: reason, cause: cause))
  }
}
