import Guardian
import Model

/// One actuator behind the gate: its lease, the time since it left its safe state, and its limits.
///
/// One timer covers every deadline: a pulse, the lease, `max_on`. It is rescheduled only when a deadline moves earlier;
/// after a renewal it fires at the old deadline, finds nothing due, and is armed again.
final class ActuatorChannel {
  struct Pulse {
    var end: Instant
    /// The level to return to, 0 to 1.
    var base: Double
  }

  /// A `device:changed` that waits until the hardware has confirmed it.
  struct Owed {
    var state: Double
    /// The level published last.
    var previous: Double
    var reason: String
    var holder: String
    var cause: Cause?
  }

  let device: Device
  let settings: ActuatorSettings
  let health: Health
  var driver: (any OutputDriver)?
  /// The commanded level, 0 to 1.
  var level: Double
  /// The level that the hardware has confirmed and, as far as is known, still has; nil when unknown.
  var confirmed: Double?
  var lease: Lease?
  /// Refused commands.
  var denials: UInt64 = 0

  private var leaseStore: (any LeaseStore)?
  private var slot = 0
  let clock: any Timekeeper
  let events: any EventSink
  let retry: Retry
  var pulse: Pulse?
  var onSince: Instant? { didSet { if onSince == nil { onBefore = .zero } } }
  /// How long it was away from its safe state before `onSince`, before a power cut.
  var onBefore = Duration.zero
  /// What is left of `max_on` from `onSince`; nil for no limit.
  var maxOn: Duration? { settings.maxOn.map { $0 - onBefore } }
  var offSince: Instant
  var changes: ChangeCount?
  var times = OutputTimes()
  /// Whether `max_on` ended its last time away from the safe state. Without `min_off` it then rests as long.
  var mustRest = false
  /// Who was refused because another held it, since that lease began: at most `mostRefused`.
  private var refused: [String] = []
  private static let mostRefused = 8
  /// Why its interlock (`only_while`) keeps it safe; nil while it does not.
  var interlock: String?
  var timer: TimerID?
  var timerDue = Instant(nanoseconds: 0)
  /// The newest `device:changed`.
  private(set) var lastChange: ULID?
  var owed: Owed?
  /// Whether its hardware is absent.
  var isLost = false
  /// Whether its hardware is back but has not answered yet.
  var isReturning = false
  /// Rewrites the confirmed level periodically (`refresh`).
  var refreshTimer: TimerID?

  /// The command that waits for the hardware's answer.
  var underWay = CommandUnderWay()
  /// The mode of the shutdown in progress; nil while it accepts commands.
  var end: ActuatorSettings.OnExit?
  /// Called when its level, its lease or its holder may have changed.
  var onHold: () -> Void = {}
  /// Called when the hardware has confirmed another level, with that and the `device:changed` event.
  var onSwitch: (Double, Cause) -> Void = { _, _ in }
  /// Called whenever the hardware has answered, or has gone.
  var onAnswer: () -> Void = {}
  /// Called with each change that was published.
  var onChange: (Owed) -> Void = { _ in }
  /// The action of `timer`; allocated once, because leases are renewed often.
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
    if settings.onlyWhile != nil { interlock = "its condition has not been looked at yet" }
    changes = settings.maxRate.map { ChangeCount(device.id, $0) }
  }

  /// Takes over the opened hardware. `min_off` counts from here, because the time in the safe state before is unknown.
  /// - Parameters:
  ///   - leaseStore: stores the lease for the next daemon, and knows the one that the previous daemon left.
  ///   - changeStore: stores its changes for the next daemon, and knows those of the previous one.
  ///   - rivals: actuators that must be safe while this one is not.
  ///   - mayInherit: whether it may keep the level and lease that the previous daemon left.
  func attach(
    _ driver: any OutputDriver, leaseStore: (any LeaseStore)? = nil, changeStore: (any ChangeStore)? = nil,
    rivals: [ActuatorChannel] = [], mayInherit: Bool = true
  ) {
    self.driver = driver
    offSince = clock.now
    if let leaseStore, let slot = leaseStore.slot(of: device.id) { (self.leaseStore, self.slot) = (leaseStore, slot) }
    if let changeStore { changes?.recall(changeStore, clock.now) }
    driver.watch { [weak self] in self?.take($0) }
    // A rival that is not open yet is checked when it opens, with this as its rival.
    let isAlone = rivals.allSatisfy { $0.isSafe || $0.isYetToOpen }
    let left = leaseStore?.inheritance(of: device.id)
    if let left {
      if mayInherit, isAlone, !isLost, inherit(left) { return }
      owe(left.level, "not-taken-over", holder: String(decoding: left.holder, as: UTF8.self), nil)
    }
    // The previous daemon left it away from the safe state: its way back, by the guardian or here, is a change too.
    if changes?.isAway ?? false { noteChange(clock.now, to: settings.safe) }
    if isLost { return }
    if let fault = drive(settings.safe) { failed(fault, cause: nil) }
  }

  /// Resumes the lease of a daemon that died: same level, same holder, the rest of the time.
  /// - Returns: false when the current settings, which may have changed, do not allow it or the hardware refuses.
  private func inherit(_ left: OutputHold) -> Bool {
    let now = clock.now
    var deadline = Instant(nanoseconds: left.deadline)
    let since = min(Instant(nanoseconds: left.since), now)
    var isCut = left.isCutByMaxOn
    if let maxOn = settings.maxOn, since + maxOn < deadline { (deadline, isCut) = (since + maxOn, true) }
    guard settings.onExit == .hold, deadline > now, left.level != settings.safe, let driver,
      driver.isAnalogue || left.level == 0 || left.level == 1, held(left.level, driver) == left.level
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

  /// Whether it is in its safe state, confirmed by the hardware.
  var isSafe: Bool { driver != nil && level == settings.safe && confirmed == settings.safe }

  /// Whether no attempt to open it has been made yet.
  var isYetToOpen: Bool { driver == nil && health.error == nil }

  // MARK: Commands

  /// Checks and carries out one command. The caller has checked that the device exists and the permissions.
  /// - Parameters:
  ///   - mayMakeSafe: whether the principal may make it safe although another holds it.
  ///   - rivals: actuators that must be safe while this one is not.
  ///   - stop: thrown for any command that leaves the safe state; nil without an emergency stop.
  ///   - approve: asked last, with the level, for any command that leaves or is away from the safe state; gives its
  ///     cause if that is another one.
  func carryOut(
    _ command: ActuatorCommand, lease asked: Duration?, by principal: String, cause: Cause?, override: Bool,
    mayMakeSafe: Bool, rivals: [ActuatorChannel], stop: HALError?,
    approve: (_ level: Double) throws(HALError) -> Cause? = { _ throws(HALError) in nil }
  ) throws(HALError) -> Receipt {
    guard let driver else { throw health.error ?? .unavailable(device.id, "it is not open") }
    guard end == nil else { throw .unavailable(device.id, "the daemon is stopping") }
    let target = try target(of: command, driver)
    if let asked, asked <= .zero { throw .invalid(device.id, "a lease must be longer than zero") }
    let now = clock.now
    // A busy loop runs timers late: end what is overdue before the new command is checked.
    expire(now)
    if let lease, !override, !(mayMakeSafe && target == settings.safe), !Self.yields(lease.holder, to: principal) {
      if !refused.contains(principal), refused.count < Self.mostRefused { refused.append(principal) }
      throw .busy(device.id, holder: lease.holder, until: lease.deadline)
    }
    if target == settings.safe { return try makeSafe(by: principal, cause, now) }
    if let stop { throw stop }
    if confirmed == nil, let error = health.error { throw error }
    try checkLimits(command, target, rivals, now)
    let cause = try approve(target) ?? cause
    return try hold(target, command, lease: asked, by: principal, cause, now)
  }

  /// Whether a holder has to let another take an output: itself; one rule another; and all rules people.
  private static func yields(_ holder: String, to principal: String) -> Bool {
    if holder == principal { return true }
    guard Party(of: holder) == .rules else { return false }
    let other = Party(of: principal)
    return other == .rules || other == .people
  }

  /// Why a command that leaves the safe state, or changes its level, would be refused now; nil if it would not be.
  func obstacle(
    _ command: ActuatorCommand, by principal: String, rivals: [ActuatorChannel], stop: HALError?
  ) -> HALError? {
    guard let driver else { return health.error ?? .unavailable(device.id, "it is not open") }
    if end != nil { return .unavailable(device.id, "the daemon is stopping") }
    let now = clock.now
    expire(now)
    do throws(HALError) {
      let target = try target(of: command, driver)
      if let lease, !Self.yields(lease.holder, to: principal) {
        throw .busy(device.id, holder: lease.holder, until: lease.deadline)
      }
      if target == settings.safe { return nil }
      if let stop { throw stop }
      if confirmed == nil, let error = health.error { throw error }
      try checkLimits(command, target, rivals, now)
      return nil
    } catch { return error }
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

  /// The id of the published change; without one, that of the command's cause.
  private func receiptID(_ isPublished: Bool, _ cause: Cause?) -> ULID {
    (isPublished ? lastChange : cause?.id ?? lastChange) ?? ULID(high: 0, low: 0)
  }

  private func hold(
    _ target: Double, _ command: ActuatorCommand, lease asked: Duration?, by principal: String, _ cause: Cause?,
    _ now: Instant
  ) throws(HALError) -> Receipt {
    let previous = level
    // Among rules the output only changes hands.
    let isTakeOver =
      lease.map { $0.holder != principal && !(Party(of: $0.holder) == .rules && Party(of: principal) == .rules) }
      ?? false
    if target != previous { noteChange(now, to: target) }
    // Drive it even if it is at this level already: something else may have moved the hardware.
    if let fault = drive(target) {
      failed(fault, cause: cause)
      throw .failed(device.id, operation: "set", fault)
    }
    level = target
    mustRest = false
    if onSince == nil { onSince = now }
    var length = asked ?? settings.lease
    switch command {
    case .pulse(let pulseLength):
      let base = pulse?.base ?? previous
      pulse = Pulse(end: now + pulseLength, base: base)
      // From the safe state the lease ends with the pulse; otherwise it must at least outlast the pulse.
      length =
        base == settings.safe ? pulseLength : max(pulseLength, asked ?? (lease.map { $0.deadline - now } ?? length))
    default: pulse = nil
    }
    // A lease never outlasts `max_on`, so its deadline is the only one to watch.
    // A pulse may continue a lease that `max_on` has already cut.
    var isCut = lease.map { $0.isCutByMaxOn && $0.deadline == now + length } ?? false
    if let maxOn, let onSince, onSince + maxOn < now + length {
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

  /// Ends the lease and drives the hardware safe, even if it is believed to be: a chip may have lost its power, or
  /// another program may have written to it. Publishes a change only if the level was not the safe one.
  /// - Returns: the fault, if the hardware refused within this call; it is retried until it obeys.
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
    // After many failures the back-off is long; reset it so that the safe state is tried now.
    retry.reset()
    let fault = drive(settings.safe)
    if previous != settings.safe { owe(previous, reason, holder: holder, cause) }
    if let fault { failed(fault, cause: cause) }
    publishOwed(lease: .zero)
    if !refused.isEmpty {
      events.publish(DeviceEvents.free(device.id, refused: refused), from: device.id.rawValue, cause: cause)
      refused = []
    }
    return fault
  }

  /// Who has it next when its holder lets it go, so that it need not pass through its safe state; nil for nobody.
  var heir: () -> (level: Double, holder: String, cause: Cause?)? = { nil }

  /// Hands it to its heir.
  /// - Returns: false if there is none, or the limits do not allow it.
  func handOver(_ now: Instant) -> Bool {
    guard end == nil, interlock == nil, pulse == nil, lease != nil, let driver, let next = heir(), !isLost,
      health.error == nil, next.level != settings.safe
    else { return false }
    let command = ActuatorCommand.level(next.level)
    do throws(HALError) {
      let target = try target(of: command, driver)
      if let maxOn, let onSince, onSince + maxOn <= now { return false }
      if target != level, changes?.wait(at: now) != nil { return false }
      _ = try hold(target, command, lease: nil, by: next.holder, next.cause, now)
      return true
    } catch { return false }
  }

  /// Makes it safe, or hands it over, if `holder` has the lease.
  func release(holder: String, reason: String, cause: Cause?) {
    guard let lease, lease.holder == holder else { return }
    if Party(of: holder) != .rules, handOver(clock.now) { return }
    goSafe(reason, holder: holder, cause ?? lease.cause, clock.now)
  }

  func keep(_ lease: Lease) {
    self.lease = lease
    leaseStore?.hold(slot, level: level, lease: lease, since: countedSince)
    onHold()
  }

  /// Since when `max_on` counts: earlier than it went on, by the time before a power cut, as far as the clock reaches back.
  private var countedSince: Instant {
    let since = onSince ?? clock.now
    return Instant(nanoseconds: since.nanoseconds - min(since.nanoseconds, UInt64(max(0, onBefore.nanoseconds))))
  }

  func endLease() {
    if lease != nil { leaseStore?.release(slot) }
    lease = nil
    pulse = nil
    if let timer { clock.cancel(timer) }
    timer = nil
  }

  // MARK: Publishing changes

  /// Notes a change of level or holder for `publishOwed`. It replaces a change that is still unpublished; `previous`
  /// stays the level published last.
  func owe(_ previous: Double, _ reason: String, holder: String, _ cause: Cause?) {
    owed = Owed(state: level, previous: owed?.previous ?? previous, reason: reason, holder: holder, cause: cause)
    onHold()
  }

  /// Publishes the owed change if the hardware has confirmed it; otherwise its confirmation calls this again.
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
    onChange(owed)
    if owed.state != owed.previous { onSwitch(owed.state, Cause(event)) }
  }
}
