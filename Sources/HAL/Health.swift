import Model

/// Whether a device works, and who is told when that changes: one event when it fails, one when it works again.
final class Health {
  /// Whose.
  let device: DeviceID
  /// What it fails with now; nil while it works.
  private(set) var error: HALError?
  /// It is not there.
  var isGone: Bool { if case .failed(_, _, .gone) = error { true } else { false } }
  /// How often it began to fail.
  private(set) var faults: UInt64 = 0
  private let events: any EventSink

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
      "device:fault", source: device.rawValue, cause: cause, priority: .high,
      payload: Fields(uniquePairs: [
        ("device", .string(device.rawValue)), ("operation", .string(operation)), ("fault", .string(Self.text(error))),
      ]))
  }

  /// The same for what a driver answered.
  func fail(_ fault: HALError.Fault, operation: String, cause: Cause? = nil) {
    fail(.failed(device, operation: operation, fault), operation: operation, cause: cause)
  }

  /// It works; published when it did not before.
  func recover() {
    guard error != nil else { return }
    error = nil
    events.publish(
      "device:recovered", source: device.rawValue, cause: nil, priority: .normal,
      payload: Fields(uniquePairs: [("device", .string(device.rawValue))]))
  }

  /// It has gone (`device:lost`) or is back (`device:back`).
  func presence(_ isThere: Bool, _ more: [(key: String, value: Value)] = []) {
    events.publish(
      isThere ? "device:back" : "device:lost", source: device.rawValue, cause: nil, priority: .high,
      payload: Fields(uniquePairs: [("device", .string(device.rawValue))] + more))
  }

  /// What is wrong in words; nil while it works.
  var text: String? { error.map(Self.text) }

  private static func text(_ error: HALError) -> String {
    if case .failed(_, _, let fault) = error { fault.description } else { error.description }
  }
}
