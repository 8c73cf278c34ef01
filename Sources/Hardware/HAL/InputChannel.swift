import Model

/// One input behind the gate. It publishes edges with the kernel's time and sequence number, and the level itself where
/// no edge led to it: at the start and after a return.
///
/// `edges` filters here and nowhere else. Drivers report every change, because the level and an emergency stop need
/// all.
final class InputChannel {
  let device: Device
  let settings: InputSettings
  let health: Health
  private(set) var driver: (any InputDriver)?
  /// Edges that the kernel has dropped.
  private(set) var lost = 0
  /// Called when this input begins an emergency stop, with the reason and the cause.
  var onStop: (String, Cause?) -> Void = { _, _ in }
  /// Called when it becomes active, with the kernel's time of that; not for the level at the start or after a return.
  var onPress: (Instant) -> Void = { _ in }
  /// Called after each change, also one that `edges` leaves out, and after a loss and a return.
  var onValue: () -> Void = {}

  private let clock: any Timekeeper
  private let events: any EventSink
  private let eventName: String
  private let retry: Retry
  private var isAnnounced = false
  /// nil for an input without `gestures`.
  private let gesture: Gesture?
  /// nil for an input without `count`.
  let counter: PulseCounter?
  /// The level after the newest edge; nil while it is not known.
  private var wasActive: Bool?
  /// nil for an input without `stuck`.
  private let stuck: StuckInput?

  init(_ device: Device, _ settings: InputSettings, _ clock: any Timekeeper, _ events: any EventSink) {
    self.device = device
    self.settings = settings
    self.clock = clock
    self.events = events
    health = Health(device.id, events)
    eventName = InputEvents.name(of: device.id)
    retry = Retry(clock)
    gesture = settings.gestures.map { settings in
      let name = GestureEvents.name(of: device.id)
      return Gesture(settings, clock) { events.publish(GestureEvents.made(name, $0), from: device.id.rawValue) }
    }
    counter = settings.count.map { PulseCounter($0) }
    stuck = settings.stuck.map { limit in
      StuckInput(limit, clock) { isStuck in
        let event = isStuck ? DeviceEvents.stuck(device.id, for: limit) : DeviceEvents.unstuck(device.id)
        events.publish(event, from: device.id.rawValue)
      }
    }
  }

  func attach(_ driver: any InputDriver) {
    self.driver = driver
    start()
  }

  func stop() {
    retry.cancel()
    gesture?.cancel()
    stuck?.pause()
    driver?.stop()
    driver = nil
  }

  /// Publishes the level now, and from now on whenever the input is opened or comes back.
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
      wasActive = driver.isActive
      if let wasActive { stuck?.take(wasActive, since: clock.now) }
      publishLevel()
      onValue()
    } catch {
      health.fail(error, operation: "watch")
      stopIfAsked(nil)
      retry.later { [weak self] in self?.start() }
    }
  }

  /// The level now, 0 or 1; suspect while the input is stuck.
  func newest() throws(HALError) -> Reading {
    guard let driver else { throw health.error ?? .notOpen(device.id) }
    guard let isActive = driver.isActive else {
      if let why = driver.absence { throw .failed(device.id, operation: "read", .absent(why)) }
      throw health.error ?? .failed(device.id, operation: "read", .gone)
    }
    let quality: Reading.Quality = stuck?.isStuck ?? false ? .suspect : .good
    return Reading(value: isActive ? 1 : 0, unit: "", time: clock.now.nanoseconds, quality: quality)
  }

  /// The level now, 0 or 1, unless the input is stuck.
  func newestGood() throws(HALError) -> Reading {
    if let stillness { throw .unavailable(device.id, stillness) }
    return try newest()
  }

  /// Why its level is suspect, for people; nil while it is not stuck.
  var stillness: String? {
    guard stuck?.isStuck ?? false, let limit = settings.stuck else { return nil }
    return "it is stuck: it has been active for more than \(limit.text)"
  }

  /// Why this stop input is asserted; nil when it is not. An unreadable input counts as asserted.
  var stopReason: String? {
    guard settings.emergencyStop else { return nil }
    return switch driver?.isActive {
    case true?: "it is active"
    case false?: nil
    case nil: "it cannot be read"
    }
  }

  /// Begins an emergency stop when this is a stop input and its level asserts it.
  func stopIfAsked(_ cause: Cause?) {
    if let stopReason { onStop(stopReason, cause) }
  }

  private func changed(_ change: InputChange) {
    note(change)
    onValue()
  }

  private func note(_ change: InputChange) {
    switch change {
    case .edge(let edge):
      // First, and regardless of `edges`: a short press counts even if it is already over.
      if edge.isActive, settings.emergencyStop { onStop("it became active", nil) }
      if edge.isActive { onPress(edge.time) }
      if isWanted(edge) {
        publish(edge.isActive, edge.isActive ? "rising" : "falling", edge.sequence, edge.time)
      }
      if edge.isActive { counter?.add(at: edge.time) }
      wasActive = edge.isActive
      gesture?.take(edge)
      stuck?.take(edge.isActive, since: edge.time)
    case .lost(let count):
      lost += count
      // Edges alternate, so their number tells how many of them were pulses.
      counter?.add(UInt64(clamping: wasActive ?? false ? count / 2 : (count + 1) / 2), at: clock.now)
      if count % 2 == 1 { wasActive = !(wasActive ?? false) }
      gesture?.forget()
      // It has changed, whatever its level is now.
      stuck?.take(false, since: clock.now)
      if driver?.isActive ?? false { stuck?.take(true, since: clock.now) }
      events.publish(DeviceEvents.overrun(device.id, lost: Int(count)), from: device.id.rawValue)
    case .gone(let why):
      gesture?.forget()
      stuck?.pause()
      health.lose(why)
      stopIfAsked(nil)
    case .back(let isActive):
      health.regain(isActive: isActive)
      wasActive = isActive
      stuck?.take(isActive, since: clock.now)
      publishLevel()
    }
  }

  private func isWanted(_ edge: Edge) -> Bool {
    switch settings.edges {
    case .rising: edge.isActive
    case .falling: !edge.isActive
    case .both: true
    }
  }

  /// Publishes the level, regardless of `edges`: the previous level is unknown, so this is no edge.
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
