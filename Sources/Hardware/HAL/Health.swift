import Model

/// Whether a device works, and who is told when that changes: one event when it fails, one when it works again.
final class Health {
  /// Whose.
  let device: DeviceID
  /// What it fails with now; nil while it works.
  private(set) var error: HALError?
  /// It is not there.
  var isGone: Bool { error?.isGone ?? false }
  /// How often it began to fail.
  private(set) var faults: UInt64 = 0
  private let events: any EventSink
  /// What it failed with when it was lost.
  private var errorBefore: HALError?

  init(_ device: DeviceID, _ events: any EventSink) {
    self.device = device
    self.events = events
  }

  /// It failed; only the first failure in a row is published, the newest one is shown.
  func fail(_ error: HALError, operation: String, cause: Cause? = nil) {
    let isNew = self.error == nil
    self.error = error
    guard isNew else { return }
    faults += 1
    events.publish(
      DeviceEvents.fault(device, operation: operation, fault: error.cause), from: device.rawValue, cause: cause)
  }

  /// The same for what a driver answered.
  func fail(_ fault: HALError.Fault, operation: String, cause: Cause? = nil) {
    fail(.failed(device, operation: operation, fault), operation: operation, cause: cause)
  }

  /// It works; published when it did not before.
  func recover() {
    guard error != nil else { return }
    error = nil
    events.publish(DeviceEvents.recovered(device), from: device.rawValue)
  }

  /// It is not there (`device:lost`): `why`, in words.
  func lose(_ why: String) {
    if !isGone { errorBefore = error }
    error = .failed(device, operation: "reach", .absent(why))
    events.publish(DeviceEvents.lost(device, reason: why), from: device.rawValue)
  }

  /// It is there again (`device:back`). What failed before goes on failing until it works.
  /// - Parameters:
  ///   - state: of an output, its level.
  ///   - isActive: of an input, its level.
  func regain(state: Double? = nil, isActive: Bool? = nil) {
    error = errorBefore.take()
    events.publish(DeviceEvents.back(device, state: state, isActive: isActive), from: device.rawValue)
  }

  /// What is wrong in words; nil while it works.
  var text: String? { error?.cause }
}
