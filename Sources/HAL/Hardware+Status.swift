import Model

extension Hardware {
  /// Every device as it is now, in the order of the board file. Measures nothing.
  public func devices() -> [DeviceStatus] { board.devices.compactMap(status) }

  /// One device.
  /// - Returns: nil when the board has no such device.
  public func device(_ id: DeviceID) -> DeviceStatus? { board.device(id).flatMap(status) }

  /// The lease that an actuator is held by.
  /// - Returns: when it ends, and the limit of the board file that made it shorter than was asked for, such as
  ///   `max_on 20s`; nil when nobody holds it, or there is no such actuator.
  public func lease(of id: DeviceID) -> (end: Instant, limit: String?)? {
    guard case .actuator(let channel) = channels[id], let lease = channel.lease else { return nil }
    return (lease.deadline, lease.isCutByMaxOn ? channel.settings.maxOn.map { "max_on \($0.text)" } : nil)
  }

  private func status(_ device: Device) -> DeviceStatus? {
    guard let channel = channels[device.id] else { return nil }
    var status = DeviceStatus(id: device.id, kind: device.kind.name, driver: device.driver, state: "")
    status.fault = channel.health.text
    status.faults = channel.health.faults
    switch channel {
    case .sensor(let sensor):
      status.reading = try? sensor.newest()
      status.watchers = sensor.watchers
      status.state = status.reading.map { Self.text($0) } ?? "not measured"
    case .input(let input):
      status.reading = try? input.newest()
      status.state = status.reading.map { $0.value == 1 ? "active" : "inactive" } ?? "gone"
    case .actuator(let actuator): describe(actuator, &status)
    case .camera(let camera):
      status.state = camera.state
      status.watchers = camera.watcherCount
    }
    return status
  }

  private func describe(_ actuator: ActuatorChannel, _ status: inout DeviceStatus) {
    status.reading = Reading(
      value: actuator.level, unit: "", time: clock.now.nanoseconds, quality: actuator.isSettled ? .good : .suspect)
    status.state =
      switch actuator.level {
      case 0: "off"
      case 1: "on"
      default: "\(Int((actuator.level * 100).rounded()))%"
      }
    status.holder = actuator.lease?.holder
    status.leaseRemaining = actuator.lease.map { max(.zero, $0.deadline - clock.now) }
    status.denials = actuator.denials
    let settings = actuator.settings
    if let maxOn = settings.maxOn { status.limits.append("max_on \(maxOn.text)") }
    if let minOff = settings.minOff { status.limits.append("min_off \(minOff.text)") }
    if let rate = settings.maxRate { status.limits.append("max_rate \(rate)") }
    if let others = rivals[actuator.device.id], !others.isEmpty {
      status.limits.append("exclusive_with \(others.map(\.device.id.rawValue).joined(separator: ", "))")
    }
  }

  private static func text(_ reading: Reading) -> String {
    reading.unit.isEmpty ? reading.value.text : "\(reading.value.text) \(reading.unit)"
  }
}
