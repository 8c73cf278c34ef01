import Agent
import HAL
import Model

// The agent's instance: its start, its activations, its end.
extension ManagedAgent {
  /// How long a start waits for the first readings of the agent's sensors.
  static let firstReading = Duration.milliseconds(250)

  func start(_ cause: Cause?) {
    let run = AgentRun()
    self.run = run
    ending = nil
    shared.onStartBegun(self)
    calls.begin(cause)
    calls.beginInstance()
    // Weak: the instance retains this closure, and the run retains the instance, so a strong capture would be a retain
    // cycle.
    let ended = { [weak self, weak run] (end: AgentEnd) in
      if let self, let run, self.run === run { self.ended(run, end) }
    }
    driver.start(manifest, host: calls, ended: ended) { [self] result in
      guard self.run === run else {
        // The run has ended meanwhile.
        if case .success(let instance) = result { instance.stop(now: true) {} }
        return
      }
      switch result {
      case .success(let instance):
        run.phase = .waiting(instance)
        run.started = shared.clock.now
        calls.hasStarted()
        shared.onStart(self)
        report()
        run.subscriptions = shared.measure { manifest.permissions.mayRead(sensor: $0.rawValue) }
        awaitReadings(run, instance, cause)
      case .failure(let failure):
        let ofDriver = failure.reason == .refused ? AgentError(.unavailable, failure.message) : nil
        self.run = nil
        if let refusal = calls.passedOn(failure) ?? ofDriver { return feed(.startRefused(refusal), cause: cause) }
        // Somebody has stopped it; or the same as before.
        let isKnown = failure.reason == .engineAway && lifecycle.isEngineAway
        if failure.reason != .killed, !isKnown { log(.error, failure.message) }
        feed(.startFailed(failure), cause: cause)
      }
    }
  }

  /// Ends the start when every sensor that the agent may read has a reading, so that its first read is answered at
  /// once. A sensor that does not answer delays it by `firstReading` at most.
  private func awaitReadings(_ run: AgentRun, _ instance: any AgentInstance, _ cause: Cause?) {
    let everybody = Principal(name: source, permissions: .all)
    let unread = run.subscriptions.map(\.device).filter {
      guard case .unavailable = readingError($0, everybody) else { return false }
      return true
    }
    guard !unread.isEmpty else { return feed(.started, cause: cause) }
    var missing = unread.count
    // Weak: `hardware` retains this closure, so a strong capture would be a retain cycle.
    let finish = { [weak self, weak run] in
      guard let self, let run, missing > 0, self.run === run, case .awaitingReadings = run.phase else { return }
      missing = 0
      run.endReading(shared.clock)
      feed(.started, cause: cause)
    }
    run.phase = .awaitingReadings(instance, shared.clock.schedule(after: Self.firstReading, finish))
    for device in unread {
      shared.hardware.getSensorData(device, as: everybody) { _ in
        if missing == 1 { finish() } else { missing -= 1 }
      }
    }
  }

  private func readingError(_ id: DeviceID, _ principal: Principal) -> HALError? {
    do throws(HALError) {
      _ = try shared.hardware.latestReading(id, as: principal)
      return nil
    } catch {
      return error
    }
  }

  func activateNext() {
    guard let run, let instance = run.instance, let delivery = queue.next() else {
      // All waiting deliveries were dropped meanwhile.
      feed(.completed, cause: nil)
      return
    }
    shared.taken += 1
    allowance = max(0, allowance - 1)
    run.phase = .handling(instance, delivery)
    lastEvent = (delivery.event.id, delivery.event.type)
    let activated = shared.events.publish(
      AgentEvents.activated(id, by: delivery.event.type, manifest.policy.priority), from: source,
      cause: delivery.cause)
    let cause = Cause(activated)
    calls.begin(cause)
    instance.activate(delivery.delivered) { [self] result in
      guard self.run === run, run.isHandling else { return }
      run.phase = .waiting(instance)
      report()
      let outcome: EventOutcome
      switch settle(instance.lastCost, result) {
      case .success:
        activations += 1
        outcome = .handled
        calls.end()
        feed(.completed, cause: cause)
      case .failure(let failure):
        if let refusal = calls.passedOn(failure) {
          outcome = .refused(refusal.message)
          calls.end()
          feed(.refused(refusal), cause: cause)
          break
        }
        failures += 1
        outcome = .failed(failure.message)
        log(.error, failure.message)
        calls.end()
        feed(.failed(failure), cause: cause)
      }
      delivery.finish(outcome)
    }
  }

  /// Gives up a start that somebody does not want any more.
  func cancelStart(_ cause: Cause?) {
    guard let run else { return }
    switch run.phase {
    case .starting: driver.cancelStart(of: id)
    case .awaitingReadings:
      run.endReading(shared.clock)
      feed(.started, cause: cause)
    case .waiting, .handling: return
    }
  }

  func stop(now: Bool, _ cause: Cause?) {
    guard let run, let instance = run.instance else {
      run = nil
      feed(.exited(.killed), cause: cause)
      return
    }
    run.endReading(shared.clock)
    instance.stop(now: now) { [self] in
      guard self.run === run else { return }
      end(run)
      run.current?.finish(.dropped)
      run.tellReported()
      feed(.exited(.killed), cause: cause)
    }
  }

  /// The instance has ended without being asked to.
  private func ended(_ run: AgentRun, _ end: AgentEnd) {
    self.end(run)
    var failure = end.failure
    if case .failure(let found) = settle(end.cost, .failure(failure)) { failure = found }
    let current = run.current
    let isHandled = current != nil && !end.leavesEvent
    if let current, end.leavesEvent { queue.putBack(current) }
    run.tellReported()
    // An event that it had not begun to handle is not the cause.
    let cause = isHandled ? calls.cause : nil
    if failure.reason != .completed || isHandled && manifest.runtime.lifecycle != .oneShot {
      if failure.reason != .engineAway { failures += 1 }
      log(.error, failure.message, cause: cause)
    } else if isHandled {
      activations += 1
    }
    calls.end()
    feed(.exited(failure.reason, failure.message), cause: cause)
    if isHandled { current?.finish(failure.reason == .completed ? .handled : .failed(failure.message)) }
  }

  /// Nothing of the instance is left.
  private func end(_ run: AgentRun) {
    run.endReading(shared.clock)
    run.unsubscribe(shared.hardware)
    self.run = nil
  }
}
