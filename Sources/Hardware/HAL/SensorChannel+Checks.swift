import Model

/// What is checked before a reading counts.
extension SensorChannel {
  /// Publishes that the sensor is stuck, or not any more.
  /// - Parameter measured: the driver's value, which filters and curves do not hide.
  func watchForStillness(_ reading: Reading, _ measured: Double, _ now: Instant) {
    guard let stuck, let isStuck = stuck.take(measured, at: now) else { return }
    let event =
      isStuck
      ? DeviceEvents.stuck(device.id, for: stuck.span ?? .zero, reading: reading) : DeviceEvents.unstuck(device.id)
    events.publish(event, from: device.id.rawValue)
  }

  /// Why its readings are suspect although it answers, for people; nil while it is not stuck.
  var stillness: String? {
    stuck?.span.map { "it is stuck: its value has been the same for more than \($0.text)" }
  }

  /// Filters a reading. One that is refused, or that of a stuck sensor, becomes suspect.
  /// - Returns: whether it may become an event: such a value starts nothing.
  func check(_ reading: inout Reading, _ now: Instant) -> Bool {
    guard stuck?.span == nil else {
      reading.quality = .suspect
      filter?.passOver()
      return false
    }
    guard let filter else { return true }
    guard reading.quality == .good else {
      filter.passOver()
      return true
    }
    if let value = filter.take(reading.value, at: now, patience: staleAfter) {
      reading.value = value
      return true
    }
    reading.quality = .suspect
    return false
  }
}
