import CEL
import Model

/// Decides which rules fire, and which states last: the pure part of orchestration. It acts only through its environment
/// and its timers.
///
/// For event rules an event has to pass these steps in order: `on` matches; `if` is true; `for` has elapsed; `debounce` has elapsed;
/// `throttle` has no open window; `max_per_hour` and `cooldown` allow a firing; `mode` allows it to begin.
package final class RuleEngine {
  let clock: any Timekeeper
  unowned let environment: any RuleEnvironment
  let scope: RuleScope
  /// The rules in force.
  package private(set) var rules: RuleSet = .empty
  private(set) var progress: [RuleProgress] = []
  /// The conditions of state rules and of `wait_for`.
  var watches = WatchList()
  /// The conditions of interlocks.
  var interlockWatches: [RuleWatch] = []
  /// The watches that wait for their look, and what a turn has to do after all looks.
  var dirty: [RuleWatch] = []
  var turn = RuleTurn()
  /// The error of the condition that was evaluated last; nil when it had none, or only something was missing.
  var failure: String?
  var atWork: [UInt64: RunningFiring] = [:]
  var lastFiring: UInt64 = 0
  /// What is left of rules that are not in their files any more.
  var retired: [RuleID: RuleMemory] = [:]
  /// A cache of matching rules by event type, so that most events cost one look-up.
  private var found: [String: [Int]] = [:]

  /// The wall time that `cron` rules have been processed up to, and the instant of that; nil before the first rules.
  var calendar: (seconds: Int64, at: Instant, isRunning: Bool)?

  /// The number of evaluated conditions, a measure of the cost of events.
  package internal(set) var evaluations: UInt64 = 0

  /// The minimum time between a failed firing and the rule's next one.
  package static let rest = Duration.seconds(10)

  /// The maximum number of queued firings of a rule; further events are folded into the last one.
  package static let queueLimit = 16

  /// An engine without rules.
  /// - Parameter environment: not retained; it must live as long as the engine is used.
  package init(clock: any Timekeeper, environment: any RuleEnvironment) {
    self.clock = clock
    self.environment = environment
    scope = RuleScope(environment, clock)
  }

  deinit {
    for one in progress { cancelTimers(of: one) }
    for running in atWork.values { stopWaiting(running) }
    for watch in interlockWatches { clearTimer(of: watch) }
    for timer in [turn.next, turn.wakeUp] { if let timer { clock.cancel(timer) } }
  }

  // MARK: Rules

  /// The number of rules.
  package var count: Int { rules.count }

  /// Replaces all rules.
  ///
  /// A rule whose id and text are unchanged keeps its counters, timers and running firings. The timers, queues and
  /// waiting actions of all other rules are dropped; what their firings have started continues. A state rule that lasts
  /// goes on, also when its text has changed.
  /// - Returns: the ids of removed rules, sorted, and of added rules. A rule whose text has changed is in both.
  @discardableResult
  package func replace(with rules: RuleSet) -> (ended: [RuleID], begun: Set<RuleID>) {
    let old = Dictionary(uniqueKeysWithValues: progress.map { ($0.rule.id, $0) })
    var kept: Set<RuleID> = []
    progress = rules.rules.enumerated().map { rank, rule in
      if let same = old[rule.id], same.rule.signature == rule.signature, same.rank == rank || same.state == nil {
        same.rule = rule
        same.rank = rank
        kept.insert(rule.id)
        return same
      }
      let one = RuleProgress(rule, rank: rank)
      one.isDisabled = old[rule.id]?.isDisabled ?? (rule.state == nil && recallRetired(rule.id))
      return one
    }
    self.rules = rules
    found = [:]
    var ended: [RuleID] = []
    for (id, one) in old where !kept.contains(id) {
      cancelTimers(of: one)
      for firing in one.atWork { atWork.removeValue(forKey: firing).map(stopWaiting) }
      ended.append(id)
    }
    let present = Set(ruleIDs)
    for (id, one) in old where one.state == nil && one.isDisabled && !present.contains(id) {
      var memory = RuleMemory()
      memory.isDisabled = true
      _ = retire(id, memory)
    }
    replaceStates(old: old, kept: kept)
    let begun = Set(progress.lazy.map(\.rule.id).filter { !kept.contains($0) })
    if calendar == nil { calendar = (wallSeconds, clock.now, environment.clockIsTrusted) }
    for one in progress where one.schedule?.timer == nil { startTimer(of: one) }
    return (ended.sorted(), begun)
  }

  /// Whether a rule for events that comes back was disabled.
  private func recallRetired(_ id: RuleID) -> Bool { retired.removeValue(forKey: id)?.isDisabled ?? false }

  /// The rules that keep an output.
  package func keepers(of device: DeviceID) -> Set<RuleID> {
    Set(progress.lazy.filter { $0.rule.outputs.contains(device) }.map(\.rule.id))
  }

  /// The ids of all rules, in the order of the files.
  package var ruleIDs: [RuleID] { progress.map(\.rule.id) }

  /// The status of every rule, in the order of the files.
  package func statuses() -> [RuleStatus] {
    progress.map { one in
      let rule = one.rule.declaration
      var status = RuleStatus(
        id: rule.id, trigger: RuleText.trigger(rule.trigger), condition: rule.condition?.text,
        actions: RuleText.effects(rule), location: rule.location, fired: one.fired,
        failed: one.failed, lastFired: one.lastFired,
        lastError: missingAgent(of: one) ?? one.lastError ?? waitsForClock(one))
      status.isEnabled = !one.isDisabled
      status.isShadow = rule.shadow
      status.state = one.state?.life
      status.since = one.state?.since
      status.unknown = one.state?.unknown
      status.claim = one.state == nil ? nil : environment.claimState(of: rule.id)
      status.next = nextTime(of: one)
      return status
    }
  }

  /// The `cron` rules, while the clock is not trusted; otherwise empty.
  package var waitingForClock: [RuleID] { progress.filter { waitsForClock($0) != nil }.map(\.rule.id) }

  /// Why a `cron` rule is not due; nil for other rules, and while the clock is trusted.
  private func waitsForClock(_ one: RuleProgress) -> String? {
    !one.followsCalendar || environment.clockIsTrusted ? nil : Self.clockNotTrusted
  }

  /// The status message of a `cron` rule while the clock is not trusted.
  package static let clockNotTrusted = "it waits for the clock, which has not been synchronised since boot"

  /// The state rules in force.
  package var stateRules: Set<RuleID> { Set(progress.lazy.filter { $0.state != nil }.map(\.rule.id)) }

  /// Everything that is watched.
  package var watchedSubjects: [RuleSubject] { Array(watches.subjects) }

  /// Whether anything is watched.
  package var hasWatches: Bool { !watches.isEmpty }

  /// Whether a state rule, an interlock or a `wait_for` names a subject.
  package func watches(_ subject: RuleSubject) -> Bool { !watches.isEmpty && !watches[subject].isEmpty }

  func matching(_ type: String) -> [Int] {
    if let known = found[type] { return known }
    let matching = rules.rules(for: type)
    // Clients and agents choose event names: bound the cache.
    if found.count >= 512 { found.removeAll(keepingCapacity: true) }
    found[type] = matching
    return matching
  }

  /// Whether a rule whose `on` matches `event` reads the state of `agent`, or may do so.
  package func asksState(of agent: AgentID, on event: Event) -> Bool {
    matching(event.type).contains { number in
      ["state", "report"].contains { progress[number].rule.asks($0, about: agent.rawValue) }
    }
  }

  /// The rules whose `on` matches `event` and that read one of `sensors`, or may do so.
  package func rules(on event: Event, asking sensors: [DeviceID]) -> Set<RuleID> {
    let asking = matching(event.type).map { progress[$0].rule }.filter { rule in
      sensors.contains { rule.asks("sensor", about: $0.rawValue) }
    }
    return Set(asking.map(\.id))
  }

  // MARK: Events

  /// Evaluates the rules for an event. Rules fire within this call or, after a delay, from a timer.
  /// - Parameters:
  ///   - only: the rules to evaluate; nil for all.
  ///   - not: the rules to skip.
  package func handle(_ event: Event, only: Set<RuleID>? = nil, not left: Set<RuleID> = []) {
    let matching = matching(event.type)
    guard !matching.isEmpty else { return }
    let progress = self.progress
    for number in matching {
      let one = progress[number]
      if let only, !only.contains(one.rule.id) { continue }
      if !left.isEmpty, left.contains(one.rule.id) { continue }
      if one.isDisabled { continue }
      switch evaluate(one, event) {
      case .success(true): hold(one, lane(of: one, event), RuleProgress.Folded(event: event, count: 1))
      case .success(false): if one.rule.hasDelays { release(lane(of: one, event)) }
      case .failure(let error):
        if one.rule.hasDelays { release(lane(of: one, event)) }
        report(one, describe(error, one.rule.declaration.condition?.text), event)
      }
    }
  }

  /// A firing and everything that it started has ended. Ignores unknown ids.
  package func finished(_ firing: UInt64) {
    guard let running = atWork.removeValue(forKey: firing) else { return }
    let one = running.one
    one.atWork.removeAll { $0 == firing }
    if one.account?.failedFiring != firing { one.lastError = nil }
    while one.atWork.isEmpty, let account = one.account, !account.queue.isEmpty {
      begin(one, account.queue.removeFirst())
    }
  }

  /// An action of a running firing failed. The firing no longer counts towards the rule's limits, and the rule may fire
  /// again after `rest`. A second failure is that of an action of `else`; the firing still counts once as failed. Ignores
  /// unknown ids.
  /// - Parameter reason: which action failed, and why.
  package func failed(_ firing: UInt64, _ reason: String) {
    guard let one = atWork[firing]?.one else { return }
    if one.account?.failedFiring == firing {
      one.lastError = one.lastError.map { "\($0); else: \(reason)" } ?? reason
      return
    }
    one.counted.failedFiring = firing
    one.failed += 1
    one.lastError = reason
    one.counted.retryFrom = clock.now + Self.rest
    if let turn = one.account?.turn { giveBack(turn, of: one) }
  }

  /// Undoes the counting of `cooldown` and `max_per_hour` for a firing that did not happen.
  func giveBack(_ turn: RuleProgress.Turn, of one: RuleProgress) {
    if turn.lane.lastAccepted == turn.accepted {
      turn.lane.lastAccepted = turn.before
      keepCooldown(of: one, turn.lane)
    }
    if let account = one.account, let place = account.lastHour.lastIndex(of: turn.accepted) {
      account.lastHour.remove(at: place)
    }
  }

  /// Evaluates the condition of an event rule, and whether its hours are open.
  func evaluate(_ one: RuleProgress, _ event: Event) -> Result<Bool, CELError> {
    if one.rule.hasHours {
      switch scope.isOpen(one.rule.declaration.hours) {
      case .yes: break
      case .no: return .success(false)
      case .unknown(let why): return .failure(CELError(message: why, kind: .missing))
      }
    }
    guard let condition = one.rule.condition else { return .success(true) }
    evaluations += 1
    scope.event = event
    do throws(CELError) {
      let value = try condition.evaluate(scope)
      guard case .bool(let holds) = value else {
        return .failure(CELError(message: "the condition has type \(value.type), but must be bool"))
      }
      return .success(holds)
    } catch {
      return .failure(error)
    }
  }

  func describe(_ error: CELError, _ text: String?) -> String {
    guard let text else { return error.message }
    let column = String(decoding: text.utf8.prefix(error.offset), as: UTF8.self).count + 1
    return "\(error.message) (column \(column) of '\(text.prefix(80))')"
  }

  func report(_ one: RuleProgress, _ error: String, _ event: Event) {
    guard one.lastError != error else { return }
    one.lastError = error
    environment.conditionFailed(one.rule.id, error, event: event)
  }
}
