import Agent
import Model
import Watchdog

// What an agent uses, and the effects of using too much.
extension ManagedAgent {
  /// Opens its account with its limits, below its parent's.
  /// - Parameters:
  ///   - lowered: a sentence for each budget that was lowered to the board's.
  ///   - activationReport: the longest activation without a warning, when the budget sets no limit.
  func openAccount(_ lowered: [String], activationReport: Duration?) {
    // A long activation elsewhere does not delay others.
    let report = driver.isolation.runsOnLoop ? activationReport : nil
    shared.budgets.open(id, driver.inForce(manifest), parent: manifest.parent, activationReport: report)
    shared.model?.setLimits(manifest.budget.tokens, of: id)
    // Asked anew each time: a driver may learn later what this machine can enforce.
    // Weak: a driver's instances retain their host, which retains this account.
    account.enforcement = { [weak driver] in driver?.isolation.enforcement(of: $0) ?? .enforced }
    shared.budgets.hold(.storage, state.bytes, before: 0, for: account)
    for sentence in lowered {
      shared.events.publish(BudgetEvents.capped(id, sentence), from: source)
    }
  }

  /// How many queued deliveries the lifecycle may start now: none while CPU-throttled, at most `allowance` while held
  /// back. Being throttled only delays an activation: events that do not lead to one see the whole queue.
  func due(for event: LifecycleEvent) -> Int {
    let waiting = isHeld ? min(allowance, queue.count) : queue.count
    return switch event {
    case .deliver, .completed, .started: isOutOfTime ? 0 : waiting
    default: waiting
    }
  }

  private var isOutOfTime: Bool {
    guard let wait = shared.budgets.delay(account, expecting: lastRun) else { return false }
    if throttleTimer == nil, queue.count > 0 {
      throttleTimer = shared.clock.schedule(after: wait) { [weak self] in
        guard let self else { return }
        throttleTimer = nil
        if queue.count > 0 { feed(.deliver, cause: nil) }
      }
    }
    return true
  }

  /// Counts what an activation used, and then reports its end.
  /// - Parameter cost: nil when nothing was measured.
  /// - Returns: `result`, or the failure that stops the agent for having used far too much.
  func settle(_ cost: ActivationCost?, _ result: Result<Void, AgentFailure>) -> Result<Void, AgentFailure> {
    let failure: AgentFailure? = if case .failure(let failure) = result { failure } else { nil }
    if let cost, !cost.chargesCPU {
      shared.budgets.charge(activation: 0, length: Int64(clamping: cost.ownTime), isExact: true, to: account)
    } else if let cost {
      let isExact = cost.runTime > 0
      let run = Int64(clamping: isExact ? cost.runTime : cost.totalTime)
      lastRun = run
      // A driver that ends an activation for its duration counts elapsed time, not CPU time.
      let length = failure?.reason == .activation ? max(run, Int64(clamping: cost.ownTime)) : run
      shared.budgets.charge(activation: run, length: length, isExact: isExact, to: account)
      if cost.peakMemory > 0 { hold(Int64(cost.peakMemory)) }
    }
    if let failure, let resource = Resource.allCases.first(where: { $0.exitReason == failure.reason }) {
      shared.budgets.exceed(resource, for: account)
      // It is being stopped for that already, by the driver, which knows the place in the code.
      overrun = nil
    }
    return takeOverrun().map(Result.failure) ?? result
  }

  /// Why the agent is to be stopped, with everything that it used and was refused meanwhile; nil when it is not.
  private func takeOverrun() -> AgentFailure? {
    guard let resource = overrun.take(), let reason = resource.exitReason,
      let status = account.status(of: resource, at: shared.clock.now)
    else { return nil }
    lastOverrun = status.use.fields
    return AgentFailure(reason, status.sentence)
  }

  /// Stops the agent, which is far over a budget.
  func exceed(_ status: BudgetStatus) {
    lastOverrun = status.use.fields
    overrun = overrun ?? status.resource
    // An activation that ends now reports it. One that continues is stopped after the call that led here.
    shared.clock.schedule(after: .zero) { [weak self] in
      guard let self, let failure = takeOverrun() else { return }
      failures += 1
      log(.error, failure.message)
      feed(.failed(failure), cause: calls.cause)
    }
  }

  /// Sets the memory of its instance in bytes.
  func hold(_ bytes: Int64) {
    guard bytes != heldMemory else { return }
    let before = heldMemory
    heldMemory = bytes
    shared.budgets.hold(.memory, bytes, before: before, for: account)
  }

  /// The instance is gone and holds no memory.
  func endUse() {
    shared.budgets.end(account, memory: heldMemory)
    heldMemory = 0
    overrun = nil
  }
}
