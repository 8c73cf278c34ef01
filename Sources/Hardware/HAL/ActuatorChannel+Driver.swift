import Model

/// Driving the hardware, its answers, and its presence.
extension ActuatorChannel {
  /// The default `refresh` of hardware that can lose its level unnoticed.
  private static let defaultRefresh = Duration.seconds(5)

  /// Whether the hardware has confirmed the latest command.
  var isSettled: Bool { confirmed != nil && !underWay.isWaiting }

  func noteChange(_ now: Instant, to target: Double) {
    changes?.note(now, leadsAway: target != settings.safe)
    times.note(now, isAway: target != settings.safe)
  }

  /// Commands the hardware. Does nothing while the same level is already under way.
  /// - Returns: the fault, if the hardware refused within this call; nil if it took the level or answers later.
  func drive(_ target: Double) -> HALError.Fault? {
    guard let driver else { return nil }
    if underWay.target == target, end != .input { return nil }
    if target != confirmed { confirmed = nil }
    let number = underWay.begin(target)
    if end == .input {
      driver.turnIntoInput { self.answered(number, $0) }
    } else {
      driver.set(target) { self.answered(number, $0) }
    }
    switch underWay.told() {
    case .success:
      settled(target)
      return nil
    case .failure(let fault):
      confirmed = nil
      return fault
    case nil: return nil
    }
  }

  private func answered(_ number: UInt64, _ result: Result<Void, HALError.Fault>) {
    guard let target = underWay.end(number, result), !underWay.isBeingTold else { return }
    switch result {
    case .success: settled(target)
    case .failure(let fault): failed(fault, cause: lease?.cause)
    }
  }

  private func settled(_ target: Double) {
    let wasSafe = confirmed == settings.safe
    confirmed = target
    changes?.settled(clock.now)
    if level == settings.safe, !wasSafe { offSince = clock.now }
    retry.reset()
    returned(state: target)
    health.recover()
    publishOwed(lease: lease.map { max(.zero, $0.deadline - clock.now) } ?? .zero)
    refreshLater()
    onAnswer()
  }

  /// The hardware refused, so its level is unknown: commands the safe state, with back-off, until it is confirmed.
  func failed(_ fault: HALError.Fault, cause: Cause?) {
    confirmed = nil
    // No retry while the hardware is away: `back` commands it again.
    if isLost { return onAnswer() }
    returned()
    let now = clock.now
    health.fail(fault, operation: end == .input ? "let go of" : "set", cause: cause)
    if level != settings.safe { changes?.fallBack(now) }
    if level != settings.safe, end != .input {
      let previous = level
      level = settings.safe
      owe(previous, "fault", holder: lease?.holder ?? "system", cause)
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

  // MARK: Refreshing

  private func refreshLater() {
    if let refreshTimer { clock.cancel(refreshTimer) }
    refreshTimer = nil
    guard let driver, end == nil else { return }
    let period = settings.refresh ?? (driver.forgets ? Self.defaultRefresh : .zero)
    guard period > .zero else { return }
    refreshTimer = clock.schedule(after: period) { [weak self] in
      guard let self else { return }
      refreshTimer = nil
      guard isSettled, end == nil, let confirmed else { return }
      if let fault = drive(confirmed) { failed(fault, cause: lease?.cause) }
    }
  }

  // MARK: Presence

  func take(_ presence: OutputPresence) {
    switch presence {
    case .gone(let why): lost(why)
    case .back: back()
    case .reset:
      events.publish(DeviceEvents.reset(device.id, state: level), from: device.id.rawValue)
    }
  }

  /// The hardware has gone. The lease continues, so that its holder has the output again when the hardware is back.
  private func lost(_ why: String) {
    guard !isLost else { return }
    isLost = true
    confirmed = nil
    underWay.forget()
    retry.cancel()
    if let refreshTimer { clock.cancel(refreshTimer) }
    refreshTimer = nil
    // While returning, `device:back` has not been published yet, so a second `device:lost` would be one too many.
    if !isReturning { health.lose(why) }
    isReturning = false
    onAnswer()
  }

  /// The hardware is back at an unknown level: commands the level of the lease, or the safe state. `device:back` is
  /// published once the hardware has answered.
  private func back() {
    guard isLost else { return }
    let now = clock.now
    expire(now)
    isLost = false
    isReturning = true
    if lease != nil && end == nil && mayResume(now) {
      noteChange(now, to: level)
      if let fault = drive(level) { failed(fault, cause: lease?.cause) }
    } else if lease != nil {
      goSafe("lost", holder: nil, lease?.cause, now)
    } else if let fault = drive(settings.safe) {
      failed(fault, cause: nil)
    }
  }

  /// Publishes `device:back` on the first answer after a return.
  private func returned(state: Double? = nil) {
    guard isReturning else { return }
    isReturning = false
    health.regain(state: state)
  }

  /// Whether a lease may resume when the hardware is back. It may have been off while away, so `min_off` starts again.
  private func mayResume(_ now: Instant) -> Bool {
    level != settings.safe && settings.minOff == nil && changes?.wait(at: now) == nil
  }

  // MARK: The end

  /// Gives the last command, according to `mode`, and repeats it while the hardware refuses, until `letGo`.
  func end(_ mode: ActuatorSettings.OnExit) {
    // After many failures the back-off is long; reset it so that the last command is tried now.
    let isRefused = retry.isWaiting
    retry.reset()
    end = mode
    switch mode {
    case .safe, .keepDriving: goSafe("shutdown", holder: nil, lease?.cause, clock.now)
    case .input: endLease()
    // The daemon may hang during its exit: until `letGo` this process or its guardian still ends the lease on time.
    case .hold: break
    }
    guard mode == .input || isRefused && !retry.isWaiting else { return }
    if let fault = drive(settings.safe) { failed(fault, cause: nil) }
  }

  /// Whether the shutdown need not wait for it: the hardware has confirmed the latest command, or has gone.
  var isThrough: Bool { driver == nil || isSettled || health.isGone && !isReturning }

  /// Why the hardware refuses; nil when it has confirmed the latest command or has not failed yet.
  var refusal: HALError? { isSettled ? nil : health.error }

  /// Why the hardware has not confirmed the latest command; nil when it has.
  var doubt: HALError? {
    if isSettled { return nil }
    let why = driver == nil ? "it is not open" : "the hardware has not confirmed it"
    return health.error ?? .unavailable(device.id, why)
  }

  /// Releases the line in the state in which `end` left it.
  func letGo() {
    retry.cancel()
    endLease()
    if let refreshTimer { clock.cancel(refreshTimer) }
    refreshTimer = nil
    if let end, end != .input { driver?.release(end) }
    driver = nil
  }
}
