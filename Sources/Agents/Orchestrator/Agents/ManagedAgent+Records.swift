import Agent
import Model
import Store

// An agent's records: its log, its durable values, and its lines in the ledger.
extension ManagedAgent {
  /// The longest line of a log, in bytes.
  private static let longestLine = 4096

  /// - Parameter cause: the event that was being handled; nil for the current one.
  func log(_ level: LogLevel, _ message: String, cause: Cause? = nil) {
    let event = (cause ?? calls.cause)?.id
    for text in message.split(whereSeparator: \.isNewline) {
      let line = LogLine(
        agent: id, time: shared.clock.wallMilliseconds, level: level, message: String(text).cut(to: Self.longestLine),
        event: event)
      logs.append(line)
      shared.onLine(line)
    }
  }

  func keepState(_ key: String, _ value: Value?) throws(AgentError) {
    do { try shared.registry.keep([.state(id, key: key, value)]) } catch {
      throw AgentError(error.isOverLimit ? .limited : .failed, "state '\(key)' cannot be kept: \(error.message)")
    }
    state.keep(key, value)
  }

  /// Takes durable values that could not be read before it was adopted.
  func restore(_ fields: Fields) {
    let before = state.bytes
    for (key, value) in fields where state.values[key] == nil { state.keep(key, value) }
    shared.budgets.hold(.storage, state.bytes, before: before, for: account)
  }

  // MARK: The ledger

  /// Adds the lifecycle's lines to the ledger.
  func keep(_ line: LifecycleRecord) {
    switch line {
    case .failed(let failure):
      keep(failure.reason.rawValue, failure.message, budget: overrun(behind: failure.reason))
    case .quarantined(let failure):
      keep(LedgerEntry.quarantined, failure.message, budget: overrun(behind: failure.reason))
    case .stopped(let reason): keep(reason.rawValue, "")
    }
  }

  /// The budget that an end with `reason` was about; nil for other reasons.
  private func overrun(behind reason: ExitReason) -> Fields? {
    lastOverrun.flatMap { reason.rawValue == "budget.\($0["budget"]?.string ?? "")" ? $0 : nil }
  }

  /// Adds a line to the ledger.
  func keep(_ reason: String, _ message: String, budget: Fields? = nil) {
    var entry = LedgerEntry(
      time: shared.clock.wallMilliseconds, agent: id, reason: reason, message: message,
      uptime: shared.clock.now.nanoseconds / 1_000_000)
    entry.event = lastEvent?.id
    entry.eventType = lastEvent?.type
    entry.budget = budget
    // The registry reports what it cannot store; the agent continues.
    try? shared.registry.keep([.ledger(entry)])
  }

  // MARK: Refusals

  /// Counts a refusal that ended an activation or a start, and reports it unless the same was reported recently.
  func refuse(_ refusal: AgentError, cause: Cause?) {
    let (told, kept) = refusals.add(refusal, at: shared.clock.now)
    if let told {
      log(.notice, "refused\(told > 1 ? " \(told) times" : ""), \(refusal)", cause: cause)
      shared.events.publish(
        AgentEvents.refused(
          id, code: refusal.code.rawValue, message: refusal.message, count: told, retryAfter: refusal.retryAfter,
          event: lastEvent?.type),
        from: source, cause: cause)
    }
    if let kept {
      let times = kept > 1 ? "\(kept) times: " : ""
      keep(ExitReason.refused.rawValue, times + refusal.description)
    }
  }
}
