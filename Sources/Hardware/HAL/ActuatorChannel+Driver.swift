import Model

/// What the hardware is told, what it answers, and whether it is there.
extension ActuatorChannel {
  /// How often a driver whose hardware can lose its level unnoticed is told it again, unless the board says otherwise.
  private static let usualRefresh = Duration.seconds(5)

  /// The hardware has taken what it was told last.
  var isSettled: Bool { confirmed != nil && !underWay.isWaiting }

  func noteChange(_ now: Instant, to target: Double) { changes?.note(now, leadsAway: target != settings.safe) }

  /// Tells the hardware. A level that is on its way to it already is not told twice.
  /// - Returns: why it failed, when it answered at once.
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

  /// The hardware did not take a level: nobody knows what it does, so it is told to be safe until it says it is.
  func failed(_ fault: HALError.Fault, cause: Cause?) {
    confirmed = nil
    // What is not there says when it is back, and is told then.
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
    let period = settings.refresh ?? (driver.forgets ? Self.usualRefresh : .zero)
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

  /// A lease goes on meanwhile: whoever holds it may have it again when the hardware is back.
  private func lost(_ why: String) {
    guard !isLost else { return }
    isLost = true
    confirmed = nil
    underWay.forget()
    retry.cancel()
    if let refreshTimer { clock.cancel(refreshTimer) }
    refreshTimer = nil
    // Nobody has been told yet that it was back.
    if !isReturning { health.lose(why) }
    isReturning = false
    onAnswer()
  }

  /// The hardware is back, and nobody knows at which level: it is told the one that its holder wants, or to be safe.
  /// `device:back` says so once it has answered.
  private func back() {
    guard isLost else { return }
    let now = clock.now
    expire(now)
    isLost = false
    isReturning = true
    if lease != nil && end == nil && mayGoOn(now) {
      noteChange(now, to: level)
      if let fault = drive(level) { failed(fault, cause: lease?.cause) }
    } else if lease != nil {
      goSafe("lost", holder: nil, lease?.cause, now)
    } else if let fault = drive(settings.safe) {
      failed(fault, cause: nil)
    }
  }

  /// The hardware has answered for the first time since it is back.
  private func returned(state: Double? = nil) {
    guard isReturning else { return }
    isReturning = false
    health.regain(state: state)
  }

  /// Nobody knows what it did while it was away: where it has to rest, it rests from now on.
  private func mayGoOn(_ now: Instant) -> Bool {
    level != settings.safe && settings.minOff == nil && changes?.wait(at: now) == nil
  }

  // MARK: The end

  /// Is told for the last time, as `mode` says; told again while it refuses, until `letGo`.
  func end(_ mode: ActuatorSettings.OnExit) {
    // What has been refused for long would be tried again late only.
    let isRefused = retry.isWaiting
    retry.reset()
    end = mode
    switch mode {
    case .safe, .keepDriving: goSafe("shutdown", holder: nil, lease?.cause, clock.now)
    case .input: endLease()
    // A daemon may hang in its end: until `letGo` the lease ends on time, by this process or by its guardian.
    case .hold: break
    }
    guard mode == .input || isRefused && !retry.isWaiting else { return }
    if let fault = drive(settings.safe) { failed(fault, cause: nil) }
  }

  /// There is nothing to wait for at the end: the hardware has taken what it was told last, or is not there.
  var isThrough: Bool { driver == nil || isSettled || health.isGone && !isReturning }

  /// Why the hardware does not do what it was told; nil when it does, or has nothing to do yet.
  var refusal: HALError? { isSettled ? nil : health.error }

  /// Why the hardware has not confirmed what it was told last; nil when it has.
  var doubt: HALError? {
    if isSettled { return nil }
    let why = driver == nil ? "it is not open" : "the hardware has not confirmed it"
    return health.error ?? .unavailable(device.id, why)
  }

  /// Lets go of the line, as `end` has left it.
  func letGo() {
    retry.cancel()
    endLease()
    if let refreshTimer { clock.cancel(refreshTimer) }
    refreshTimer = nil
    if let end, end != .input { driver?.release(end) }
    driver = nil
  }
}
