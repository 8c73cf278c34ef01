import Model

extension Hardware {
  /// The status of every device, in the order of the board file. Measures nothing.
  package func devices() -> [DeviceStatus] { board.devices.compactMap(status) }

  /// The status of one device; nil when the board has no such device.
  package func device(_ id: DeviceID) -> DeviceStatus? { board.device(id).flatMap(status) }

  /// The lease of an actuator.
  /// - Returns: its deadline, and the limit of the board file that made it shorter than requested, such as `max_on
  ///   20s`; nil without a lease, or when there is no such actuator.
  package func lease(of id: DeviceID) -> (end: Instant, limit: String?)? {
    guard case .actuator(let channel) = channels[id], let lease = channel.lease else { return nil }
    return (lease.deadline, lease.isCutByMaxOn ? channel.settings.maxOn.map { "max_on \($0.text)" } : nil)
  }

  /// The newest `device:changed` event of an actuator since the start; nil when there is none.
  package func lastChange(of id: DeviceID) -> ULID? {
    guard case .actuator(let channel) = channels[id] else { return nil }
    return channel.lastChange
  }

  private func status(_ device: Device) -> DeviceStatus? {
    guard let channel = channels[device.id] else { return nil }
    var status = DeviceStatus(
      id: device.id, name: device.name, kind: device.kind.name, driver: device.driver, state: "")
    status.fault = channel.health.text
    status.faults = channel.health.faults
    switch channel {
    case .sensor(let sensor):
      status.watchers = sensor.watchers
      status.fault = status.fault ?? sensor.stillness
      do throws(HALError) {
        let reading = try sensor.newest()
        status.reading = reading
        status.state = Self.text(reading)
      } catch {
        status.state = "not measured: \(error.cause)"
      }
    case .input(let input):
      do throws(HALError) {
        let reading = try input.newest()
        status.reading = reading
        status.state = reading.value == 1 ? "active" : "inactive"
        status.fault = status.fault ?? input.stillness
      } catch {
        status.state = input.driver == nil ? "not open" : "gone"
        status.fault = error.cause
      }
    case .actuator(let actuator): describe(actuator, &status)
    case .camera(let camera):
      status.state = camera.state
      status.watchers = camera.watcherCount
    }
    return status
  }

  private func describe(_ actuator: ActuatorChannel, _ status: inout DeviceStatus) {
    status.reading = Reading(
      value: actuator.level, unit: "", time: clock.now.nanoseconds,
      quality: actuator.confirmed == actuator.level ? .good : .suspect)
    status.state =
      switch actuator.level {
      case _ where actuator.driver == nil: "not open"
      case _ where actuator.isLost || actuator.confirmed == nil && actuator.health.isGone: "gone"
      case _ where actuator.confirmed == nil && actuator.health.error != nil: "unknown"
      case 0: "off"
      case 1: "on"
      default: "\(Int((actuator.level * 100).rounded()))%"
      }
    status.holder = actuator.lease?.holder
    status.leaseRemaining = actuator.lease.map { max(.zero, $0.deadline - clock.now) }
    status.denials = actuator.denials
    status.noEffect = effects[actuator.device.id]?.shown
    let settings = actuator.settings
    if let maxOn = settings.maxOn { status.limits.append("max_on \(maxOn.text)") }
    if let minOff = settings.minOff { status.limits.append("min_off \(minOff.text)") }
    if let rate = settings.maxRate { status.limits.append("max_rate \(rate)") }
    if settings.min > 0 { status.limits.append("min \(EventSentence.level(settings.min))") }
    if settings.max < 1 { status.limits.append("max \(EventSentence.level(settings.max))") }
    switch settings.approval?.scope {
    case .required: status.limits.append("approval")
    case .above(let level): status.limits.append("approval above \(EventSentence.level(level))")
    case .condition(let condition): status.limits.append("approval if \(condition.text.prefix(60))")
    case nil: break
    }
    if let others = rivals[actuator.device.id], !others.isEmpty {
      status.limits.append("exclusive_with \(others.map(\.device.id.rawValue).joined(separator: ", "))")
    }
  }

  private static func text(_ reading: Reading) -> String {
    reading.unit.isEmpty ? reading.value.text : "\(reading.value.text) \(reading.unit)"
  }
}
