import Agent
import Model
import Store
import Watchdog

// What agents use, and what follows when it is too much.
extension AgentSupervisor {
  /// Gives an agent its limits and its place below its parent.
  /// - Parameter lowered: what of its budget was lowered to the board's, in sentences.
  func openAccount(_ record: AgentRecord, _ lowered: [String]) {
    let driver = record.manifest.runtime.driver
    let budget = drivers[driver]?.inForce(record.manifest) ?? record.manifest.budget
    let account = budgets.open(
      record.id, budget, parent: record.manifest.parent, activationReport: limits.activationReport)
    account.enforcement = { .of($0, under: driver) }
    budgets.hold(.storage, record.state.bytes, before: 0, for: account)
    for sentence in lowered {
      events.publish(
        "budget:capped", from: "agent/\(record.id)",
        ["agent": .string(record.id.rawValue), "message": .string(sentence)])
    }
  }

  /// Says in the log of each agent what is wrong with its `parent`, once all agents are there that it may mean.
  /// - Parameter only: of these; nil of all.
  public func warnOfParents(_ only: [AgentID]? = nil) {
    for (agent, warning) in Parentage.complaints(sorted.map(\.manifest)) where only?.contains(agent) ?? true {
      log(agent, .warning, warning.message)
    }
  }

  /// The whole board's budgets: what all agents use together, what the daemon as a whole was last measured to use, and
  /// what it writes.
  public var boardBudgets: [BudgetStatus] { budgets.boardStatus }

  /// Takes what the daemon uses as a whole.
  /// - Returns: the share of the board's budget, 1 being all of it; nil without one.
  public func note(_ measurement: BoardMeasurement) -> Double? { budgets.measure(measurement) }

  /// Whether the daemon has written as much to the disk as it may.
  public var isDiskUsedUp: Bool {
    budgets.board.status(at: clock.now).contains { $0.resource == .disk && $0.step >= .throttled }
  }

  /// Counts what the daemon has written to the disk.
  public func noteWritten(_ bytes: Int64) { budgets.charge(.disk, bytes, to: budgets.board) }

  /// How many of the deliveries that wait for an agent it may take now, as its lifecycle is told: none while it waits
  /// for processor time, which only puts off the next activation; few while it is
  /// held back for the board's sake.
  func due(_ record: AgentRecord, for event: LifecycleEvent) -> Int {
    let waiting = isHeld(record) ? min(record.allowance, record.queue.count) : record.queue.count
    return switch event {
    case .deliver, .completed, .started: isOutOfTime(record) ? 0 : waiting
    default: waiting
    }
  }

  private func isOutOfTime(_ record: AgentRecord) -> Bool {
    guard let wait = budgets.delay(record.account, expecting: record.lastRun) else { return false }
    if record.throttleTimer == nil, record.queue.count > 0 {
      record.throttleTimer = clock.schedule(after: wait) { [unowned self, weak record] in
        guard let record else { return }
        record.throttleTimer = nil
        if record.queue.count > 0 { feed(record, .deliver, cause: nil) }
      }
    }
    return true
  }

  /// Counts what an activation used, and only then tells what its end means.
  /// - Returns: how it ended: `result`, or that the agent is to be stopped for having used far too much.
  func settle(
    _ record: AgentRecord, _ cost: ActivationCost?, _ result: Result<Void, AgentFailure>
  ) -> Result<Void, AgentFailure> {
    let failure: AgentFailure? = if case .failure(let failure) = result { failure } else { nil }
    if let cost {
      let isExact = cost.runTime > 0
      let run = Int64(clamping: isExact ? cost.runTime : cost.totalTime)
      record.lastRun = run
      // Who ends it for its time counts what passed, not only what it ran.
      let length = failure?.reason == .activation ? max(run, Int64(clamping: cost.ownTime)) : run
      budgets.charge(activation: run, length: length, isExact: isExact, to: record.account)
      if cost.peakMemory > 0 { hold(Int64(cost.peakMemory), record) }
    }
    if let failure, let resource = Resource.allCases.first(where: { $0.exitReason == failure.reason }) {
      budgets.exceed(resource, for: record.account)
      // It is being stopped for that already, and whoever did says where it was.
      record.overrun = nil
    }
    return takeOverrun(record).map(Result.failure) ?? result
  }

  /// Why the agent is to be stopped, with all that it used and was refused meanwhile; nil when it is not.
  private func takeOverrun(_ record: AgentRecord) -> AgentFailure? {
    guard let resource = record.overrun.take(), let reason = resource.exitReason,
      let status = record.account.status(of: resource, at: clock.now)
    else { return nil }
    record.lastOverrun = status.event
    return AgentFailure(reason, status.sentence)
  }

  /// Its instance holds so many bytes of memory from now on.
  func hold(_ bytes: Int64, _ record: AgentRecord) {
    guard bytes != record.heldMemory else { return }
    let before = record.heldMemory
    record.heldMemory = bytes
    budgets.hold(.memory, bytes, before: before, for: record.account)
  }

  /// The instance is gone: it holds nothing any more.
  func endUse(_ record: AgentRecord) {
    budgets.end(record.account, memory: record.heldMemory)
    record.heldMemory = 0
    record.overrun = nil
  }

  /// Tells of a step on a ladder, and stops whoever is far over.
  func tell(_ notice: BudgetNotice) {
    // Still used up: whoever was stopped for it was told of.
    if notice.effect == .recover(.throttled) { return }
    var payload = notice.status.event
    if let agent = notice.agent { payload["agent"] = .string(agent.rawValue) }
    let verb: String =
      switch notice.effect {
      case .warn: "warning"
      case .throttle: "throttled"
      case .stop: "exceeded"
      case .recover: "recovered"
      }
    let record = notice.agent.flatMap { records[$0] }
    events.publish(
      "budget:\(verb)", from: notice.agent.map { "agent/\($0)" } ?? "system", cause: record?.calls.cause,
      priority: .normal, payload)
    guard case .stop = notice.effect, let record else { return }
    record.lastOverrun = notice.status.event
    record.overrun = record.overrun ?? notice.status.resource
    // An activation that ends now takes it along; one that goes on is stopped as soon as the call that led here is over.
    clock.schedule(after: .zero) { [unowned self, weak record] in
      guard let record, let failure = takeOverrun(record) else { return }
      record.failures += 1
      log(record.id, .error, failure.message)
      feed(record, .failed(failure), cause: record.calls.cause)
    }
  }

  // MARK: The restart ledger

  /// Has an agent that was started again too often stay where it is over the daemon's next start.
  func keepQuarantine(_ record: AgentRecord, _ payload: Fields) {
    guard let quarantines, quarantines.quarantine(of: record.id) == nil else { return }
    let last = record.lifecycle.lastFailure.map { "; last: \($0.message)" } ?? ""
    let message =
      "it was started again \(payload["restarts"]?.text() ?? "-") time(s)"
      + " within \(payload["window"]?.text() ?? "-")\(last)"
    quarantines.quarantine(record.id, for: AgentFailure(record.lifecycle.lastExit ?? .error, message))
  }

  /// Keeps what people ask about later: failures, quarantine, and that somebody ended it.
  func keepInLedger(_ record: AgentRecord, _ type: String, _ payload: Fields) {
    let reason = payload["reason"]?.string ?? ""
    switch type {
    case "agent:failed": break
    case "agent:quarantined": break
    case "agent:stopped" where reason == ExitReason.killed.rawValue: break
    default: return
    }
    let isQuarantine = type == "agent:quarantined"
    var entry = LedgerEntry(
      time: clock.wallMilliseconds, agent: record.id, reason: isQuarantine ? "quarantined" : reason,
      message: isQuarantine ? "\(reason), after \(payload["restarts"]?.text() ?? "-") restart(s)" : "",
      uptime: clock.now.nanoseconds / 1_000_000)
    if let message = payload["message"]?.string { entry.message = message }
    entry.event = record.lastEvent?.id
    entry.eventType = record.lastEvent?.type
    if let budget = record.lastOverrun?["budget"]?.string, reason == "budget.\(budget)" {
      entry.budget = record.lastOverrun
    }
    // What cannot be kept was said by the registry; the agent's life goes on.
    try? persist([.ledger(entry)])
  }
}

extension BudgetStatus {
  /// As events carry it.
  var event: Fields {
    var fields: Fields = [
      "budget": .string(resource.rawValue), "used": .int(used), "limit": limit.map { .int($0) } ?? .null,
      "unit": .string(resource.unit),
    ]
    if let window { fields["window_ms"] = .int(window.nanoseconds / 1_000_000) }
    if refused > 0 { fields["refused"] = .int(refused) }
    if let whole { fields["meter"] = .string(whole.meter.rawValue) }
    return fields
  }

  /// `it used 2.5s of 1s cpu in 10s`.
  var sentence: String { "it used \(BudgetText.share(event)) of \(resource.rawValue)" }
}
