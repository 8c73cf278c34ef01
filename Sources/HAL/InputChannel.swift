import Model

/// One input behind the gate: edges become events with the kernel's own time and count.
final class InputChannel {
  let device: Device
  let settings: InputSettings
  let health: Health
  private(set) var driver: (any InputDriver)?
  /// How many edges the kernel has dropped.
  private(set) var lost = 0
  /// Called when it stops everything: why, and what led to it.
  var onStop: (String, Cause?) -> Void = { _, _ in }

  private let clock: any Timekeeper
  private let events: any EventSink
  private let eventName: String
  private let retry: Retry

  init(_ device: Device, _ settings: InputSettings, _ clock: any Timekeeper, _ events: any EventSink) {
    self.device = device
    self.settings = settings
    self.clock = clock
    self.events = events
    health = Health(device.id, events)
    eventName = "input:\(device.id)"
    retry = Retry(clock)
  }

  func attach(_ driver: any InputDriver) {
    self.driver = driver
    start()
  }

  func stop() {
    retry.cancel()
    driver?.stop()
    driver = nil
  }

  private func start() {
    guard let driver else { return }
    do throws(HALError.Fault) {
      try driver.start { [weak self] in self?.changed($0) }
      retry.reset()
      health.recover()
      stopIfAsked(nil)
    } catch {
      health.fail(error, operation: "watch")
      stopIfAsked(nil)
      retry.later { [weak self] in self?.start() }
    }
  }

  /// 0 or 1, now.
  func newest() throws(HALError) -> Reading {
    guard let driver else { throw health.error ?? .unavailable(device.id, "it is not open") }
    guard let isActive = driver.isActive else { throw .failed(device.id, operation: "read", .gone) }
    return Reading(value: isActive ? 1 : 0, unit: "", time: clock.now.nanoseconds)
  }

  /// Why nothing may move because of it; nil while it does not ask for that. One that says nothing asks for it.
  var stopReason: String? {
    guard settings.emergencyStop else { return nil }
    return switch driver?.isActive {
    case true?: "it is active"
    case false?: nil
    case nil: "it cannot be read"
    }
  }

  /// Looks at the line as it is, for one that stops everything.
  func stopIfAsked(_ cause: Cause?) {
    if let stopReason { onStop(stopReason, cause) }
  }

  private func changed(_ change: InputChange) {
    switch change {
    case .edge(let edge):
      // Before anything else, and whatever `edges` leaves out: a short press counts even when it is over.
      if edge.isActive, settings.emergencyStop { onStop("it became active", nil) }
      switch settings.edges {
      case .rising where !edge.isActive: return
      case .falling where edge.isActive: return
      default: break
      }
      events.publish(
        eventName, source: device.id.rawValue, cause: nil, priority: .high,
        payload: Fields(uniquePairs: [
          ("active", .bool(edge.isActive)), ("edge", .string(edge.isActive ? "rising" : "falling")),
          ("sequence", .int(Int64(edge.sequence))), ("kernel_ns", .int(Int64(clamping: edge.time.nanoseconds))),
        ]))
    case .lost(let count):
      lost += count
      events.publish(
        "device:overrun", source: device.id.rawValue, cause: nil, priority: .normal,
        payload: Fields(uniquePairs: [("device", .string(device.id.rawValue)), ("lost", .int(Int64(count)))]))
    case .gone:
      health.presence(false)
      stopIfAsked(nil)
    case .back(let isActive): health.presence(true, [("active", .bool(isActive))])
    }
  }
}
