import Guardian
import Model

/// One actuator behind the gate: who holds it, since when it is away from its safe state, and what its limits allow.
///
/// A single timer stands for everything that can end by itself: a pulse, the lease, `max_on`. It is moved only when
/// something falls due earlier; a renewed lease leaves it where it is and it finds nothing to do.
final class ActuatorChannel {
  struct Pulse {
    var end: Instant
    /// Where it goes back to.
    var base: Double
  }

  /// A `device:changed` that waits until the hardware has confirmed it.
  struct Owed {
    var state: Double
    /// What was said last.
    var previous: Double
    var reason: String
    var holder: String
    var cause: Cause?
  }

  let device: Device
  let settings: ActuatorSettings
  let health: Health
  var driver: (any OutputDriver)?
  /// What it is to be, 0 to 1.
  var level: Double
  /// What the hardware has taken and, for all that is known, still has; nil when nobody knows.
  var confirmed: Double?
  var lease: Lease?
  /// How many commands were refused.
  var denials: UInt64 = 0

  private var keeper: (any HoldKeeper)?
  private var slot = 0
  let clock: any Timekeeper
  let events: any EventSink
  let retry: Retry
  var pulse: Pulse?
  var onSince: Instant?
  var offSince: Instant
  var changes: ChangeCount?
  var timer: TimerID?
  var timerDue = Instant(nanoseconds: 0)
  /// The newest `device:changed`.
  private(set) var lastChange: ULID?
  var owed: Owed?
  /// Its hardware is not there.
  var isLost = false
  /// Its hardware is there again, and has not answered yet.
  var isReturning = false
  /// When it is told its level again, though nobody asks.
  var refreshTimer: TimerID?

  /// The command that waits for the hardware's answer.
  var underWay = CommandUnderWay()
  /// What it is to be at the end; nil while it serves.
  var end: ActuatorSettings.OnExit?
  /// Called whenever the hardware has answered, or has gone.
  var onAnswer: () -> Void = {}
  /// What `timer` calls; made once, since leases are renewed often.
  private(set) lazy var onTimer: () -> Void = { [weak self] in self?.tick() }

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
    driver.watch { [weak self] in self?.take($0) }
    // A rival that is opened later than this is judged then, with this as its rival.
    let isAlone = rivals.allSatisfy { $0.isSafe || $0.isYetToOpen }
    let left = keeper?.inheritance(of: device.id)
    if let left {
      if mayInherit, isAlone, !isLost, inherit(left) { return }
      owe(left.level, "not-taken-over", holder: String(decoding: left.holder, as: UTF8.self), nil)
    }
    // Somebody has brought it back since the daemon before moved it, or this does.
    if changes?.isAway ?? false { noteChange(clock.now, to: settings.safe) }
    if isLost { return }
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
    level = left.level
    changes?.isAway = true
    onSince = since
    keep(Lease(holder: holder, deadline: deadline, isCutByMaxOn: isCut, cause: nil))
    arm()
    owe(left.level, "taken-over", holder: holder, nil)
    publishOwed(lease: deadline - now)
    return true
  }

  /// In its safe state, as the hardware has said.
  var isSafe: Bool { driver != nil && level == settings.safe && confirmed == settings.safe }

  /// Nobody has tried to open it yet.
  var isYetToOpen: Bool { driver == nil && health.error == nil }

  // MARK: Commands

  /// Checks and carries out one command; permissions and existence are the caller's to check.
  /// - Parameters:
  ///   - mayMakeSafe: whether the safe state is allowed whoever holds it.
  ///   - rivals: what must be safe while this is not.
  ///   - stop: what to throw at anything but the safe state.
  func carryOut(
    _ command: ActuatorCommand, lease asked: Duration?, by principal: String, cause: Cause?, override: Bool,
    mayMakeSafe: Bool, rivals: [ActuatorChannel], stop: HALError?
  ) throws(HALError) -> Receipt {
    guard let driver else { throw health.error ?? .unavailable(device.id, "it is not open") }
    guard end == nil else { throw .unavailable(device.id, "the daemon ends") }
    let target = try target(of: command, driver)
    if let asked, asked <= .zero { throw .invalid(device.id, "a lease must be longer than nothing") }
    let now = clock.now
    // A busy loop runs timers late; what is over is over before anything new is judged.
    expire(now)
    if let lease, lease.holder != principal, !override, !(mayMakeSafe && target == settings.safe) {
      throw .busy(device.id, holder: lease.holder, until: lease.deadline)
    }
    if target == settings.safe { return try makeSafe(by: principal, cause, now) }
    if let stop { throw stop }
    if confirmed == nil, let error = health.error { throw error }
    try checkLimits(command, target, rivals, now)
    return try hold(target, command, lease: asked, by: principal, cause, now)
  }

  private func makeSafe(by principal: String, _ cause: Cause?, _ now: Instant) throws(HALError) -> Receipt {
    let previous = level
    let reason = lease.map { $0.holder == principal } ?? true ? "command" : "override"
    if let fault = goSafe(reason, holder: principal, cause, now) {
      throw .failed(device.id, operation: "set", fault)
    }
    let isConfirmed = !underWay.isWaiting
    return Receipt(
      id: receiptID(previous != settings.safe && isConfirmed, cause), state: level, previous: previous,
      at: now.nanoseconds, isConfirmed: isConfirmed)
  }

  /// That of the change that was said; of the command, where there is none yet.
  private func receiptID(_ isSaid: Bool, _ cause: Cause?) -> ULID {
    (isSaid ? lastChange : cause?.id ?? lastChange) ?? ULID(high: 0, low: 0)
  }

  private func hold(
    _ target: Double, _ command: ActuatorCommand, lease asked: Duration?, by principal: String, _ cause: Cause?,
    _ now: Instant
  ) throws(HALError) -> Receipt {
    let previous = level
    let isTakeOver = lease.map { $0.holder != principal } ?? false
    if target != previous { noteChange(now, to: target) }
    // Also when it is there already: something other than this gate may have moved the hardware meanwhile.
    if let fault = drive(target) {
      failed(fault, cause: cause)
      throw .failed(device.id, operation: "set", fault)
    }
    level = target
    if onSince == nil { onSince = now }
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
    keep(Lease(holder: principal, deadline: now + length, isCutByMaxOn: isCut, cause: cause ?? lease?.cause))
    arm()
    let isChange = target != previous || isTakeOver
    if isChange {
      owe(previous, isTakeOver ? "override" : "command", holder: principal, cause)
      publishOwed(lease: length)
    }
    let isConfirmed = !underWay.isWaiting
    return Receipt(
      id: receiptID(isChange && isConfirmed, cause), state: target, previous: previous,
      at: now.nanoseconds, isConfirmed: isConfirmed)
  }

  // MARK: Going safe

  /// Ends the lease and tells the hardware to be safe, also where it is believed to be: a chip may have lost its power,
  /// and another program may have written to it. Publishes a change only where it was away from its safe state.
  /// - Returns: why the hardware did not take it at once; it is told again until it does.
  @discardableResult
  func goSafe(_ reason: String, holder: String?, _ cause: Cause?, _ now: Instant) -> HALError.Fault? {
    let previous = level
    let holder = holder ?? lease?.holder ?? "system"
    endLease()
    level = settings.safe
    if previous != settings.safe {
      onSince = nil
      offSince = now
      noteChange(now, to: settings.safe)
    }
    // What has been refused for long would be tried again late only.
    retry.reset()
    let fault = drive(settings.safe)
    if previous != settings.safe { owe(previous, reason, holder: holder, cause) }
    if let fault { failed(fault, cause: cause) }
    publishOwed(lease: .zero)
    return fault
  }

  /// Goes safe when `holder` is who holds it.
  func release(holder: String, reason: String, cause: Cause?) {
    guard let lease, lease.holder == holder else { return }
    goSafe(reason, holder: holder, cause ?? lease.cause, clock.now)
  }

  func keep(_ lease: Lease) {
    self.lease = lease
    keeper?.hold(slot, level: level, lease: lease, since: onSince ?? clock.now)
  }

  func endLease() {
    if lease != nil { keeper?.release(slot) }
    lease = nil
    pulse = nil
    if let timer { clock.cancel(timer) }
    timer = nil
  }

  // MARK: Saying what has changed

  /// It is to be at another level, or another's: `publishOwed` says so. What was owed before has been overtaken, and is
  /// not said any more; `previous` then stays what was said last.
  func owe(_ previous: Double, _ reason: String, holder: String, _ cause: Cause?) {
    owed = Owed(state: level, previous: owed?.previous ?? previous, reason: reason, holder: holder, cause: cause)
  }

  /// Publishes what is owed, unless the hardware has yet to confirm it: it is called again then.
  /// - Parameter length: how long the lease lasts from now; zero in the safe state.
  func publishOwed(lease length: Duration) {
    guard let owed, isSettled, confirmed == owed.state else { return }
    self.owed = nil
    let event = events.publish(
      DeviceEvents.changed(
        device.id, state: owed.state, previous: owed.previous, holder: owed.holder, reason: owed.reason, lease: length),
      from: device.id.rawValue, cause: owed.cause)
    lastChange = event.id
    lease?.cause = Cause(event)
  }
}
