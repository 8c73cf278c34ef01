import Guardian
import Model

/// One actuator behind the gate: who holds it, since when it is away from its safe state, and what its limits allow.
///
/// A single timer stands for everything that can end by itself: a pulse, the lease, `max_on`. It is moved only when
/// something falls due earlier; a renewed lease leaves it where it is and it finds nothing to do.
final class ActuatorChannel {
  private struct Pulse {
    var end: Instant
    /// Where it goes back to.
    var base: Double
  }

  /// A `device:changed` that waits until the hardware has confirmed the safe state.
  private struct Owed {
    var previous: Double
    var reason: String
    var holder: String
    var cause: Cause?
  }

  let device: Device
  let settings: ActuatorSettings
  let health: Health
  private(set) var driver: (any OutputDriver)?
  /// What it was last told, 0 to 1.
  private(set) var level: Double
  private(set) var lease: Lease?
  /// How many commands were refused.
  var denials: UInt64 = 0

  private var keeper: (any HoldKeeper)?
  private var slot = 0
  private let clock: any Timekeeper
  private let events: any EventSink
  private let retry: Retry
  private var pulse: Pulse?
  private var onSince: Instant?
  private var offSince: Instant
  private var changes: ChangeCount?
  private var timer: TimerID?
  private var timerDue = Instant(nanoseconds: 0)
  private var lastChange = ULID(high: 0, low: 0)
  private var owed: Owed?

  private var generation: UInt64 = 0
  private var isInsideSet = false
  private var answerInside: Result<Void, HALError.Fault>?
  /// The hardware has taken the last level it was told.
  private(set) var isSettled = false
  /// What it is to be at the end; nil while it serves.
  private var end: ActuatorSettings.OnExit?
  /// Called at the end whenever the hardware has answered.
  var onAnswer: () -> Void = {}

  init(_ device: Device, _ settings: ActuatorSettings, _ clock: any Timekeeper, _ events: any EventSink) {
    self.device = device
    self.settings = settings
    self.clock = clock
    self.events = events
    health = Health(device.id, events)
    retry = Retry(clock, first: .milliseconds(100))
    level = settings.safe
    offSince = clock.now
    changes = settings.maxRate.map { ChangeCount(device.id, $0) }
  }

  /// Nobody can say how long it was off before the daemon started, so `min_off` counts from here.
  /// - Parameters:
  ///   - keeper: remembers for the next daemon who holds it, and knows how the one before left it.
  ///   - changeKeeper: the same for when it has changed.
  ///   - rivals: what must be safe while this is not.
  ///   - mayInherit: whether it may go on as the daemon before left it.
  func attach(
    _ driver: any OutputDriver, keeper: (any HoldKeeper)? = nil, changeKeeper: (any ChangeKeeper)? = nil,
    rivals: [ActuatorChannel] = [], mayInherit: Bool = true
  ) {
    self.driver = driver
    offSince = clock.now
    if let keeper, let slot = keeper.slot(of: device.id) { (self.keeper, self.slot) = (keeper, slot) }
    if let changeKeeper { changes?.recall(changeKeeper, clock.now) }
    if mayInherit, rivals.allSatisfy(\.isSafe), let left = keeper?.inheritance(of: device.id), inherit(left) { return }
    // Somebody has brought it back since the daemon before moved it, or this does.
    if changes?.isAway ?? false { noteChange(clock.now, to: settings.safe) }
    if let fault = drive(settings.safe) { failed(fault, cause: nil) }
  }

  /// Goes on where a daemon that died left off: same level, same holder, what is left of the lease.
  /// - Returns: false when its limits, which may be others now, do not allow it.
  private func inherit(_ left: OutputHold) -> Bool {
    let now = clock.now
    var deadline = Instant(nanoseconds: left.deadline)
    let since = min(Instant(nanoseconds: left.since), now)
    var isCut = left.isCutByMaxOn
    if let maxOn = settings.maxOn, since + maxOn < deadline { (deadline, isCut) = (since + maxOn, true) }
    guard settings.onExit == .hold, deadline > now, left.level != settings.safe, let driver,
      driver.isAnalogue || left.level == 0 || left.level == 1
    else { return false }
    let holder = String(decoding: left.holder, as: UTF8.self)
    if let fault = drive(left.level) {
      health.fail(fault, operation: "set")
      return false
    }
    let previous = level
    level = left.level
    changes?.isAway = true
    onSince = since
    let event = publishChange(previous, reason: "taken-over", holder: holder, nil, lease: deadline - now)
    keep(Lease(holder: holder, deadline: deadline, isCutByMaxOn: isCut, cause: Cause(event)))
    arm()
    return true
  }

  /// In its safe state, and the hardware has said so.
  var isSafe: Bool { level == settings.safe && (isSettled || driver == nil) }

  // MARK: Commands

  /// Checks and carries out one command; permissions and existence are the caller's to check.
  /// - Parameters:
  ///   - rivals: what must be safe while this is not.
  ///   - stop: what to throw at anything but the safe state.
  func carryOut(
    _ command: ActuatorCommand, lease asked: Duration?, by principal: String, cause: Cause?, override: Bool,
    rivals: [ActuatorChannel], stop: HALError?
  ) throws(HALError) -> Receipt {
    guard let driver else { throw health.error ?? .unavailable(device.id, "it is not open") }
    guard end == nil else { throw .unavailable(device.id, "the daemon ends") }
    let target = try target(of: command, driver)
    if let asked, asked <= .zero { throw .invalid(device.id, "a lease must be longer than nothing") }
    let now = clock.now
    // A busy loop runs timers late; what is over is over before anything new is judged.
    expire(now)
    if let lease, lease.holder != principal, !override {
      throw .busy(device.id, holder: lease.holder, until: lease.deadline)
    }
    if target == settings.safe { return try makeSafe(by: principal, cause, now) }
    if let stop { throw stop }
    if !isSettled, let error = health.error { throw error }
    try checkLimits(command, target, rivals, now)
    return try hold(target, command, lease: asked, by: principal, cause, now)
  }

  private func target(of command: ActuatorCommand, _ driver: any OutputDriver) throws(HALError) -> Double {
    switch command {
    case .off: return 0
    case .on: return 1
    case .pulse(let length):
      guard length > .zero else { throw .invalid(device.id, "a pulse must be longer than nothing") }
      guard settings.safe != 1 else { throw .invalid(device.id, "it is active when safe, so a pulse means nothing") }
      return 1
    case .level(let level):
      guard level >= 0, level <= 1 else { throw .invalid(device.id, "a level is from 0 to 1, not \(level)") }
      guard driver.isAnalogue || level == 0 || level == 1 else {
        throw .invalid(device.id, "it is a digital output: a level is 0 or 1, not \(level)")
      }
      return level
    }
  }

  private func checkLimits(
    _ command: ActuatorCommand, _ target: Double, _ rivals: [ActuatorChannel], _ now: Instant
  ) throws(HALError) {
    if level == settings.safe {
      for rival in rivals where !rival.isSafe {
        let holder = rival.lease.map { ", held by \($0.holder)" } ?? ""
        throw .limited(
          device.id, rule: "exclusive_with", detail: "'\(rival.device.id)' is not in its safe state\(holder)",
          retryAfter: rival.lease.map { $0.deadline - now })
      }
      // It rests from when the hardware says so; until then it may be away as before.
      if !isSettled, let rule = settings.minOff != nil ? "min_off" : settings.maxOn != nil ? "max_on" : nil {
        throw .limited(
          device.id, rule: rule, detail: "it has not taken its safe state yet", retryAfter: settings.minOff)
      }
      if let minOff = settings.minOff, now - offSince < minOff {
        throw .limited(
          device.id, rule: "min_off", detail: "it has to rest for \(minOff.text)",
          retryAfter: minOff - (now - offSince))
      }
    }
    if target != level, let wait = changes?.wait(at: now), let rate = settings.maxRate {
      throw .limited(device.id, rule: "max_rate", detail: "it may change \(rate) at most", retryAfter: wait)
    }
    if case .pulse(let length) = command, let wait = waitForReturn(target, length, now), let rate = settings.maxRate {
      throw .limited(
        device.id, rule: "max_rate", detail: "it may change \(rate) at most, and goes back after the pulse",
        retryAfter: wait)
    }
    if case .pulse(let length) = command, let maxOn = settings.maxOn {
      let end = (onSince ?? now) + maxOn
      guard now + length <= end else {
        throw .limited(
          device.id, rule: "max_on", detail: "a pulse of \(length.text) is longer than the \((end - now).text) it has",
          retryAfter: nil)
      }
    }
  }

  /// The end of a pulse is a change, too, unless it leads to the safe state, which is always allowed.
  private func waitForReturn(_ target: Double, _ length: Duration, _ now: Instant) -> Duration? {
    let base = pulse?.base ?? level
    guard base != settings.safe, base != target else { return nil }
    return changes?.wait(at: now + length, after: target == level ? nil : now)
  }

  private func makeSafe(by principal: String, _ cause: Cause?, _ now: Instant) throws(HALError) -> Receipt {
    let previous = level
    if previous == settings.safe {
      endLease()
      if !isSettled, let error = health.error { throw error }
      return Receipt(id: cause?.id ?? lastChange, state: level, previous: previous, at: now.nanoseconds)
    }
    let reason = lease.map { $0.holder == principal } ?? true ? "command" : "override"
    if let fault = goSafe(reason, holder: principal, cause, now) {
      throw .failed(device.id, operation: "set", fault)
    }
    return Receipt(id: lastChange, state: level, previous: previous, at: now.nanoseconds)
  }

  private func hold(
    _ target: Double, _ command: ActuatorCommand, lease asked: Duration?, by principal: String, _ cause: Cause?,
    _ now: Instant
  ) throws(HALError) -> Receipt {
    let previous = level
    let isTakeOver = lease.map { $0.holder != principal } ?? false
    if target != previous {
      noteChange(now, to: target)
      if let fault = drive(target) {
        failed(fault, cause: cause)
        throw .failed(device.id, operation: "set", fault)
      }
      level = target
      if onSince == nil { onSince = now }
    }
    var length = asked ?? settings.lease
    switch command {
    case .pulse(let pulseLength):
      let base = pulse?.base ?? previous
      pulse = Pulse(end: now + pulseLength, base: base)
      // From the safe state the lease is the pulse's; otherwise it must at least outlast it.
      length =
        base == settings.safe ? pulseLength : max(pulseLength, asked ?? (lease.map { $0.deadline - now } ?? length))
    default: pulse = nil
    }
    // A lease never outlasts `max_on`, so that its end is the only deadline there is to watch.
    // A pulse may go on with what is left of one that was cut already.
    var isCut = lease.map { $0.isCutByMaxOn && $0.deadline == now + length } ?? false
    if let maxOn = settings.maxOn, let onSince, onSince + maxOn < now + length {
      length = onSince + maxOn - now
      isCut = true
    }
    var leaseCause = cause ?? lease?.cause
    if target != previous || isTakeOver {
      let event = publishChange(
        previous, reason: isTakeOver ? "override" : "command", holder: principal, cause, lease: length)
      leaseCause = Cause(event)
    }
    keep(Lease(holder: principal, deadline: now + length, isCutByMaxOn: isCut, cause: leaseCause))
    arm()
    let id = target != previous || isTakeOver ? lastChange : cause?.id ?? lastChange
    return Receipt(id: id, state: target, previous: previous, at: now.nanoseconds)
  }

  // MARK: Going safe

  /// Ends the lease and goes to the safe state; does nothing when it is there without a lease.
  /// - Returns: why the hardware did not take it at once; it is told again until it does.
  @discardableResult
  func goSafe(_ reason: String, holder: String?, _ cause: Cause?, _ now: Instant) -> HALError.Fault? {
    let previous = level
    let holder = holder ?? lease?.holder ?? "system"
    endLease()
    guard previous != settings.safe else { return nil }
    level = settings.safe
    onSince = nil
    offSince = now
    noteChange(now, to: settings.safe)
    if let fault = drive(settings.safe) {
      owed = Owed(previous: previous, reason: reason, holder: holder, cause: cause)
      failed(fault, cause: cause)
      return fault
    }
    publishChange(previous, reason: reason, holder: holder, cause, lease: .zero)
    return nil
  }

  /// Goes safe when `holder` is who holds it.
  func release(holder: String, reason: String, cause: Cause?) {
    guard let lease, lease.holder == holder else { return }
    goSafe(reason, holder: holder, cause ?? lease.cause, clock.now)
  }

  // MARK: The end

  /// Is told for the last time, as `mode` says; told again while it refuses, until `letGo`.
  func end(_ mode: ActuatorSettings.OnExit) {
    // What has been refused for long would be tried again late only.
    let isRefused = retry.isWaiting
    retry.reset()
    end = mode
    if mode == .safe { goSafe("shutdown", holder: nil, lease?.cause, clock.now) } else { endLease() }
    guard mode == .input || isRefused && !retry.isWaiting else { return }
    if let fault = drive(settings.safe) { failed(fault, cause: nil) }
  }

  /// There is nothing to wait for at the end: the hardware has taken what it was told last, or is not there.
  var isThrough: Bool { driver == nil || isSettled || health.isGone }

  /// Why the hardware does not do what it was told; nil when it does, or has nothing to do yet.
  var refusal: HALError? { isSettled ? nil : health.error }

  /// Lets go of the line, as `end` has left it.
  func letGo() {
    retry.cancel()
    if let end, end != .input { driver?.release(end) }
    driver = nil
  }

  private func keep(_ lease: Lease) {
    self.lease = lease
    keeper?.hold(slot, level: level, lease: lease, since: onSince ?? clock.now)
  }

  private func endLease() {
    if lease != nil { keeper?.release(slot) }
    lease = nil
    pulse = nil
    if let timer { clock.cancel(timer) }
    timer = nil
  }

  // MARK: What ends by itself

  private func expire(_ now: Instant) {
    if let pulse, pulse.end <= now { endPulse(pulse, now) }
    guard let lease, lease.deadline <= now else { return }
    if let limit = publishLimit(lease) {
      goSafe("max-on", holder: nil, limit, now)
    } else {
      goSafe("lease-expired", holder: nil, lease.cause, now)
    }
  }

  /// Says that `max_on` ends a lease.
  /// - Returns: nil when it is not what ends it.
  private func publishLimit(_ lease: Lease) -> Cause? {
    guard lease.isCutByMaxOn, let maxOn = settings.maxOn else { return nil }
    return Cause(
      events.publish(
        "device:limited", source: device.id.rawValue, cause: lease.cause, priority: .high,
        payload: Fields(uniquePairs: [
          ("device", .string(device.id.rawValue)), ("rule", "max_on"), ("holder", .string(lease.holder)),
          ("limit_ms", .int(maxOn.nanoseconds / 1_000_000)),
        ])))
  }

  /// The guardian has ended a lease that this process should have ended.
  /// - Parameter cause: that it says so.
  func giveWay(to hold: OutputHold, _ cause: Cause) {
    // What its own timer has ended in the meantime has been said.
    let limit = lease.flatMap { $0.deadline.nanoseconds == hold.deadline ? publishLimit($0) : nil }
    goSafe("overruled", holder: nil, limit ?? cause, clock.now)
  }

  private func endPulse(_ pulse: Pulse, _ now: Instant) {
    self.pulse = nil
    guard pulse.base != settings.safe, let lease else {
      goSafe("pulse-ended", holder: nil, lease?.cause, now)
      return
    }
    guard pulse.base != level else { return }
    let previous = level
    noteChange(now, to: pulse.base)
    if let fault = drive(pulse.base) { return failed(fault, cause: lease.cause) }
    level = pulse.base
    keep(lease)
    publishChange(previous, reason: "pulse-ended", holder: lease.holder, lease.cause, lease: lease.deadline - now)
  }

  private lazy var tick: () -> Void = { [weak self] in
    guard let self else { return }
    timer = nil
    expire(clock.now)
    if lease != nil { arm() }
  }

  private func arm() {
    guard let lease else { return }
    let due = pulse.map { min($0.end, lease.deadline) } ?? lease.deadline
    if let timer {
      if timerDue <= due { return }
      clock.cancel(timer)
    }
    timerDue = due
    timer = clock.schedule(at: due, tick)
  }

  // MARK: The driver

  private func noteChange(_ now: Instant, to target: Double) { changes?.note(now, leadsAway: target != settings.safe) }

  /// Tells the hardware.
  /// - Returns: why it failed, when it answered at once.
  private func drive(_ target: Double) -> HALError.Fault? {
    guard let driver else { return nil }
    generation &+= 1
    let mine = generation
    isSettled = false
    isInsideSet = true
    if end == .input {
      driver.turnIntoInput { self.answered(mine, $0) }
    } else {
      driver.set(target) { self.answered(mine, $0) }
    }
    isInsideSet = false
    defer { answerInside = nil }
    switch answerInside {
    case .success:
      settled()
      return nil
    case .failure(let fault): return fault
    case nil: return nil
    }
  }

  private func answered(_ mine: UInt64, _ result: Result<Void, HALError.Fault>) {
    // Only what was said last counts.
    guard mine == generation, !isSettled else { return }
    if isInsideSet {
      answerInside = result
      return
    }
    switch result {
    case .success: settled()
    case .failure(let fault): failed(fault, cause: lease?.cause)
    }
  }

  private func settled() {
    isSettled = true
    changes?.settled(clock.now)
    if level == settings.safe { offSince = clock.now }
    retry.reset()
    health.recover()
    if let owed {
      self.owed = nil
      publishChange(owed.previous, reason: owed.reason, holder: owed.holder, owed.cause, lease: .zero)
    }
    onAnswer()
  }

  /// The hardware did not take a level: nobody knows what it does, so it is told to be safe until it says it is.
  private func failed(_ fault: HALError.Fault, cause: Cause?) {
    let now = clock.now
    health.fail(fault, operation: end == .input ? "let go of" : "set", cause: cause)
    changes?.isAway = false
    if level != settings.safe, end != .input {
      owed = Owed(previous: level, reason: "fault", holder: lease?.holder ?? "system", cause: cause)
      level = settings.safe
      onSince = nil
      offSince = now
    }
    endLease()
    retry.later { [weak self] in
      guard let self, driver != nil else { return }
      if let fault = drive(settings.safe) { failed(fault, cause: nil) }
    }
    onAnswer()
  }

  @discardableResult
  private func publishChange(
    _ previous: Double, reason: String, holder: String, _ cause: Cause?, lease: Duration
  ) -> Event {
    let event = events.publish(
      "device:changed", source: device.id.rawValue, cause: cause, priority: .normal,
      payload: Fields(uniquePairs: [
        ("device", .string(device.id.rawValue)), ("state", .double(level)), ("previous", .double(previous)),
        ("holder", .string(holder)), ("reason", .string(reason)),
        ("lease_ms", lease == .zero ? .null : .int(lease.nanoseconds / 1_000_000)),
      ]))
    lastChange = event.id
    return event
  }
}
