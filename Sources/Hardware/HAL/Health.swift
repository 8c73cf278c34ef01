import Model

/// The health of a device. Publishes one event when it begins to fail and one when it works again.
final class Health {
  let device: DeviceID
  /// The newest failure; nil while the device works.
  private(set) var error: HALError?
  var isGone: Bool { error?.isGone ?? false }
  /// How often it began to fail.
  private(set) var faults: UInt64 = 0
  private let events: any EventSink
  /// The failure at the time it was lost.
  private var errorBefore: HALError?

  init(_ device: DeviceID, _ events: any EventSink) {
    self.device = device
    self.events = events
  }

  /// Notes a failure. Only the first one in a row is published; `error` is the newest.
  func fail(_ error: HALError, operation: String, cause: Cause? = nil) {
    let isNew = self.error == nil
    self.error = error
    guard isNew else { return }
    faults += 1
    events.publish(
      DeviceEvents.fault(device, operation: operation, fault: error.cause), from: device.rawValue, cause: cause)
  }

  /// Notes a failure that a driver answered.
  func fail(_ fault: HALError.Fault, operation: String, cause: Cause? = nil) {
    fail(.failed(device, operation: operation, fault), operation: operation, cause: cause)
  }

  /// Notes that it works; publishes `device:recovered` if it had failed.
  func recover() {
    guard error != nil else { return }
    error = nil
    events.publish(DeviceEvents.recovered(device), from: device.rawValue)
  }

  /// Notes that it is absent and publishes `device:lost`; `why` is for people.
  func lose(_ why: String) {
    if !isGone { errorBefore = error }
    error = .failed(device, operation: "reach", .absent(why))
    events.publish(DeviceEvents.lost(device, reason: why), from: device.rawValue)
  }

  /// Notes that it is present again and publishes `device:back`. An earlier failure stays until `recover`.
  /// - Parameters:
  ///   - state: the level of an output, 0 to 1; nil for other devices.
  ///   - isActive: the level of an input; nil for other devices.
  func regain(state: Double? = nil, isActive: Bool? = nil) {
    error = errorBefore.take()
    events.publish(DeviceEvents.back(device, state: state, isActive: isActive), from: device.rawValue)
  }

  /// The failure, for people; nil while it works.
  var text: String? { error?.cause }
}
