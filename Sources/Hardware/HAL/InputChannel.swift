import Model

/// One input behind the gate: edges become events with the kernel's own time and count, and so does the level where
/// nobody has seen an edge that led to it.
///
/// `edges` leaves events out here and nowhere else: drivers report every change, since the level and a stop follow all.
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
  private var isAnnounced = false

  init(_ device: Device, _ settings: InputSettings, _ clock: any Timekeeper, _ events: any EventSink) {
    self.device = device
    self.settings = settings
    self.clock = clock
    self.events = events
    health = Health(device.id, events)
    eventName = InputEvents.name(of: device.id)
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

  /// Publishes the level now, and from now on whenever it is opened or comes back.
  func announce() {
    isAnnounced = true
    publishLevel()
  }

  private func start() {
    guard let driver else { return }
    do throws(HALError.Fault) {
      try driver.start { [weak self] in self?.changed($0) }
      retry.reset()
      health.recover()
      stopIfAsked(nil)
      publishLevel()
    } catch {
      health.fail(error, operation: "watch")
      stopIfAsked(nil)
      retry.later { [weak self] in self?.start() }
    }
  }

  /// 0 or 1, now.
  func newest() throws(HALError) -> Reading {
    guard let driver else { throw health.error ?? .notOpen(device.id) }
    guard let isActive = driver.isActive else {
      if let why = driver.absence { throw .failed(device.id, operation: "read", .absent(why)) }
      throw health.error ?? .failed(device.id, operation: "read", .gone)
    }
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
      publish(edge.isActive, edge.isActive ? "rising" : "falling", edge.sequence, edge.time)
    case .lost(let count):
      lost += count
      events.publish(DeviceEvents.overrun(device.id, lost: Int(count)), from: device.id.rawValue)
    case .gone(let why):
      health.lose(why)
      stopIfAsked(nil)
    case .back(let isActive):
      health.regain(isActive: isActive)
      publishLevel()
    }
  }

  /// What it was before nobody knows, so that `edges` leaves out none of these.
  func publishLevel() {
    guard isAnnounced, let isActive = driver?.isActive else { return }
    publish(isActive, "none", 0, clock.now)
  }

  private func publish(_ isActive: Bool, _ edge: String, _ sequence: UInt32, _ time: Instant) {
    events.publish(
      InputEvents.seen(eventName, isActive: isActive, edge: edge, sequence: sequence, at: time),
      from: device.id.rawValue)
  }
}
