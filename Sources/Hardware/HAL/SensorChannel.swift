import Model

/// One sensor behind the gate: one transfer at a time for all callers, one timer for all subscribers.
///
/// It is measured at its own pace from the start, unless the board file says `on_demand`; its readings are published
/// only while it has subscribers.
final class SensorChannel {
  private struct Subscription {
    var every: Duration
    var deadband: Double
  }

  /// The shortest polling period of any sensor.
  private static let shortestPace = Duration.milliseconds(10)
  /// A driver that has not answered by then counts as failed; no new transfer begins before it does answer.
  private static let patience = Duration.seconds(10)

  let device: Device
  let settings: SensorSettings
  let health: Health
  /// nil until the device has been opened.
  private(set) var driver: (any SensorDriver)?
  /// The newest reading, of any quality and age.
  private(set) var latest: Reading?
  /// The newest reading of good quality, of any age.
  private var lastGood: Reading?
  /// The good value before that.
  private var previousGood: Double?
  /// Called after each measurement, good or not.
  var onValue: () -> Void = {}
  /// Transfers begun.
  private(set) var transfers: UInt64 = 0

  private let clock: any Timekeeper
  let events: any EventSink
  private let eventName: String

  /// nil for a sensor whose driver's values stay as they are.
  private let calibration: Calibration?
  /// nil for a sensor without `filter`.
  let filter: Filter?
  /// nil for a sensor without `stuck`.
  let stuck: StuckSensor?

  private var isRunning = false
  private var isOverdue = false
  private var patienceTimer: TimerID?
  private var waiting: [(Result<Reading, HALError>) -> Void] = []

  private var subscriptions: [UInt64: Subscription] = [:]
  private var pace: Duration
  private var deadband: Double
  private var due = Instant(nanoseconds: 0)
  private var timer: TimerID?
  private var backoff: Backoff
  private var published: (value: Double, quality: Reading.Quality, at: Instant)?

  init(_ device: Device, _ settings: SensorSettings, _ clock: any Timekeeper, _ events: any EventSink) {
    self.device = device
    self.settings = settings
    self.clock = clock
    self.events = events
    health = Health(device.id, events)
    eventName = SensorEvents.name(of: device.id)
    calibration = Calibration(settings)
    filter = settings.filter.map { Filter($0) }
    stuck = settings.stuck.map { StuckSensor($0) }
    backoff = Backoff(first: settings.every)
    pace = max(settings.every, Self.shortestPace)
    deadband = settings.deadband
  }

  var watchers: Int { subscriptions.count }

  /// Whether it is measured periodically.
  private var isPolled: Bool { !settings.onDemand || !subscriptions.isEmpty }

  func attach(_ driver: any SensorDriver) {
    self.driver = driver
    if isPolled { poll(at: clock.now) }
  }

  /// Drops subscribers and timers, and fails waiting callers.
  func stop() {
    subscriptions = [:]
    cancelTimer()
    if let patienceTimer { clock.cancel(patienceTimer) }
    patienceTimer = nil
    fulfil(.failure(.unavailable(device.id, "the hardware layer is closing")))
    driver = nil
  }

  // MARK: Reading

  /// Gives the newest reading if it is young enough; otherwise measures, and callers during the transfer share it.
  func read(_ done: @escaping (Result<Reading, HALError>) -> Void) {
    guard driver != nil else { return done(.failure(notOpen)) }
    if health.error == nil, let latest {
      let age = clock.now - Instant(nanoseconds: latest.time)
      if age < min(.milliseconds(100), settings.every) { return done(.success(latest)) }
    }
    if isOverdue { return done(.failure(.failed(device.id, operation: "read", .timeout))) }
    waiting.append(done)
    measure()
  }

  /// The newest reading, marked stale when it is too old or the sensor fails.
  func newest() throws(HALError) -> Reading {
    guard var reading = latest else { throw notMeasured }
    let age = clock.now - Instant(nanoseconds: reading.time)
    if health.error != nil || age > staleAfter { reading.quality = .stale }
    return reading
  }

  /// The newest good reading until it is too old; failed transfers in between do not matter.
  func newestGood() throws(HALError) -> Reading {
    guard let reading = lastGood else {
      if latest == nil { throw notMeasured }
      throw health.error ?? .unavailable(device.id, "it has no good reading yet")
    }
    guard clock.now - Instant(nanoseconds: reading.time) <= staleAfter else {
      if let error = health.error { throw error }
      throw .unavailable(device.id, "it is stale: its newest good reading is older than \(staleAfter.text)")
    }
    return reading
  }

  /// What is known of it, even when it is silent.
  var readingState: Hardware.ReadingState {
    Hardware.ReadingState(
      good: lastGood, previous: previousGood, quality: (try? newest())?.quality, isGood: (try? newestGood()) != nil,
      staleAfter: staleAfter, unit: settings.unit ?? driver?.unit ?? "")
  }

  /// The age at which a reading becomes stale.
  var staleAfter: Duration { settings.stale ?? max(settings.every, pace) * 3 + .seconds(1) }

  private var notOpen: HALError { health.error ?? .notOpen(device.id) }

  /// Why there is no reading at all.
  private var notMeasured: HALError {
    if driver == nil { return notOpen }
    if let error = health.error { return error }
    return .unavailable(
      device.id,
      isPolled || isRunning ? "its first measurement is under way" : "it is measured on demand, and nobody has asked")
  }

  private func measure() {
    guard !isRunning, let driver else { return }
    isRunning = true
    transfers += 1
    driver.measure { self.answered($0) }
    guard isRunning else { return }
    patienceTimer = clock.schedule(after: Self.patience) { [weak self] in self?.overdue() }
  }

  private func overdue() {
    patienceTimer = nil
    isOverdue = true
    failed(.timeout)
  }

  private func answered(_ result: Result<Measurement, HALError.Fault>) {
    guard isRunning else { return }
    isRunning = false
    isOverdue = false
    if let patienceTimer { clock.cancel(patienceTimer) }
    patienceTimer = nil
    guard let driver else { return }
    do throws(HALError.Fault) {
      let measurement = try result.get()
      let given = settings.unit ?? driver.unit
      let (value, unit) = try calibration?(measurement.value, given) ?? (measurement.value, given)
      guard value.isFinite else { throw .protocolViolation("it answered \(measurement.value)") }
      let reading = Reading(value: value, unit: unit, time: clock.now.nanoseconds, quality: measurement.quality)
      succeeded(reading, measurement.value)
    } catch {
      failed(error)
    }
  }

  private func succeeded(_ calibrated: Reading, _ measured: Double) {
    let now = clock.now
    var reading = calibrated
    watchForStillness(reading, measured, now)
    let isPublic = check(&reading, now)
    let wasFailing = backoff.failures > 0
    latest = reading
    if reading.quality == .good {
      previousGood = lastGood?.value
      lastGood = reading
    }
    backoff.reset()
    health.recover()
    fulfil(.success(reading))
    if isPublic { publishIfDue(reading, now) }
    onValue()
    if wasFailing || timer == nil { pollNext() }
  }

  private func failed(_ fault: HALError.Fault) {
    latest?.quality = .stale
    health.fail(fault, operation: "read")
    fulfil(.failure(.failed(device.id, operation: "read", fault)))
    onValue()
    guard isPolled else { return }
    backoff.first = pace
    _ = backoff.next()
    poll(at: clock.now + backoff.delay)
  }

  private func fulfil(_ result: Result<Reading, HALError>) {
    let callers = waiting
    waiting = []
    for caller in callers { caller(result) }
  }

  // MARK: Subscribing

  func subscribe(_ number: UInt64, every: Duration?, deadband: Double?) {
    subscriptions[number] = Subscription(
      every: max(every ?? settings.every, Self.shortestPace), deadband: max(0, deadband ?? settings.deadband))
    repace()
    guard driver != nil, !isRunning, backoff.failures == 0 else { return }
    let last = latest.map { Instant(nanoseconds: $0.time) + pace } ?? clock.now
    poll(at: published == nil ? clock.now : max(last, clock.now))
  }

  func unsubscribe(_ number: UInt64) {
    guard subscriptions.removeValue(forKey: number) != nil else { return }
    // The next subscriber's first reading must be published, even if it has not changed.
    if subscriptions.isEmpty { published = nil }
    guard isPolled else {
      cancelTimer()
      backoff.reset()
      return
    }
    repace()
  }

  private func repace() {
    pace = subscriptions.values.map(\.every).min() ?? max(settings.every, Self.shortestPace)
    deadband = subscriptions.values.map(\.deadband).min() ?? settings.deadband
  }

  private lazy var tick: () -> Void = { [weak self] in
    guard let self else { return }
    timer = nil
    if isOverdue { failed(.timeout) } else { measure() }
  }

  private func pollNext() {
    guard isPolled else { return }
    let now = clock.now
    let next = due + pace
    poll(at: next > now ? next : now + pace)
  }

  private func poll(at instant: Instant) {
    cancelTimer()
    due = instant
    timer = clock.schedule(at: instant, tick)
  }

  private func cancelTimer() {
    if let timer { clock.cancel(timer) }
    timer = nil
  }

  /// Publishes the newest good reading if it was not published because of the deadband.
  func publishNow() {
    guard let reading = lastGood, !subscriptions.isEmpty else { return }
    if let published, published.at >= Instant(nanoseconds: reading.time) { return }
    publish(reading, clock.now)
  }

  /// Publishes the newest good reading again, without a previous one, if it is not stale and any was published before.
  func publishAgain() {
    guard published != nil, let reading = try? newestGood() else { return }
    published = nil
    publishIfDue(reading, clock.now)
  }

  private func publishIfDue(_ reading: Reading, _ now: Instant) {
    guard !subscriptions.isEmpty else { return }
    if let published {
      let isChange = abs(reading.value - published.value) >= deadband || reading.quality != published.quality
      let isHeartbeat = settings.heartbeat.map { now - published.at >= $0 } ?? false
      guard isChange || isHeartbeat else { return }
    }
    publish(reading, now)
  }

  private func publish(_ reading: Reading, _ now: Instant) {
    let previous = published.map { Value.double($0.value) } ?? .null
    published = (reading.value, reading.quality, now)
    events.publish(
      SensorEvents.measured(
        eventName, value: reading.value, unit: reading.unit, quality: reading.quality, previous: previous),
      from: device.id.rawValue)
  }
}
