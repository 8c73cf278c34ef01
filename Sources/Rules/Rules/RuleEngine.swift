import CEL
import Model

/// Decides which rules fire: the pure part of orchestration. It acts only through its environment and its timers.
///
/// An event has to pass these steps in order: `on` matches; `if` is true; `for` has elapsed; `debounce` has elapsed;
/// `throttle` has no open window; `max_per_hour` and `cooldown` allow a firing; `mode` allows it to begin.
package final class RuleEngine {
  let clock: any Timekeeper
  unowned let environment: any RuleEnvironment
  let scope: RuleScope
  /// The rules in force.
  package private(set) var rules: RuleSet = .empty
  private(set) var progress: [RuleProgress] = []
  private var atWork: [UInt64: RuleProgress] = [:]
  private var lastFiring: UInt64 = 0
  /// A cache of matching rules by event type, so that most events cost one look-up.
  private var found: [String: [Int]] = [:]

  /// The wall time that `cron` rules have been processed up to, and the instant of that; nil before the first rules.
  var calendar: (seconds: Int64, at: Instant, isRunning: Bool)?

  /// The number of evaluated conditions, a measure of the cost of events.
  package private(set) var evaluations: UInt64 = 0

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

  deinit { for one in progress { cancelTimers(of: one) } }

  // MARK: Rules

  /// The number of rules.
  package var count: Int { rules.count }

  /// Replaces all rules.
  ///
  /// A rule whose id and text are unchanged keeps its counters, timers and running firings. The timers and queues of
  /// all other rules are dropped; their running firings continue.
  /// - Returns: the ids of removed rules, sorted, and of added rules. A rule whose text has changed is in both.
  @discardableResult
  package func replace(with rules: RuleSet) -> (ended: [RuleID], begun: Set<RuleID>) {
    let old = Dictionary(uniqueKeysWithValues: progress.map { ($0.rule.id, $0) })
    var kept: Set<RuleID> = []
    progress = rules.rules.map { rule in
      if let same = old[rule.id], same.rule.signature == rule.signature {
        same.rule = rule
        kept.insert(rule.id)
        return same
      }
      return RuleProgress(rule)
    }
    self.rules = rules
    found = [:]
    var ended: [RuleID] = []
    for (id, one) in old where !kept.contains(id) {
      cancelTimers(of: one)
      for firing in one.atWork { atWork[firing] = nil }
      ended.append(id)
    }
    let begun = Set(progress.lazy.map(\.rule.id).filter { !kept.contains($0) })
    if calendar == nil { calendar = (wallSeconds, clock.now, environment.clockIsTrusted) }
    for one in progress where one.schedule?.timer == nil { startTimer(of: one) }
    return (ended.sorted(), begun)
  }

  /// The ids of all rules, in the order of the files.
  package var ruleIDs: [RuleID] { progress.map(\.rule.id) }

  /// The status of every rule, in the order of the files.
  package func statuses() -> [RuleStatus] {
    progress.map { one in
      let rule = one.rule.declaration
      return RuleStatus(
        id: rule.id, trigger: RuleText.trigger(rule.trigger), condition: rule.condition?.text,
        actions: rule.actions.map(RuleText.action) + rule.otherwise.map { "else \(RuleText.action($0))" },
        location: rule.location, fired: one.fired,
        failed: one.failed, lastFired: one.lastFired,
        lastError: missingAgent(of: one) ?? one.lastError ?? waitsForClock(one))
    }
  }

  /// The `cron` rules, while the clock is not trusted; otherwise empty.
  package var waitingForClock: [RuleID] { progress.filter { waitsForClock($0) != nil }.map(\.rule.id) }

  /// Why a `cron` rule is not due; nil for other rules, and while the clock is trusted.
  private func waitsForClock(_ one: RuleProgress) -> String? {
    one.rule.cron == nil || environment.clockIsTrusted ? nil : Self.clockNotTrusted
  }

  /// The status message of a `cron` rule while the clock is not trusted.
  package static let clockNotTrusted = "it waits for the clock, which has not been synchronised since boot"

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
    matching(event.type).contains { progress[$0].rule.asks("state", about: agent.rawValue) }
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
      switch evaluate(one, event) {
      case .success(true): hold(one, RuleProgress.Folded(event: event, count: 1))
      case .success(false): release(one)
      case .failure(let error):
        release(one)
        report(one, describe(error, one.rule.declaration.condition?.text), event)
      }
    }
  }

  /// A firing and everything that it started has ended. Ignores unknown ids.
  package func finished(_ firing: UInt64) {
    guard let one = atWork.removeValue(forKey: firing) else { return }
    one.atWork.removeAll { $0 == firing }
    if one.failedFiring != firing { one.lastError = nil }
    while one.atWork.isEmpty, !one.queue.isEmpty { begin(one, one.queue.removeFirst()) }
  }

  /// An action of a running firing failed. The firing no longer counts towards the rule's limits, and the rule may fire
  /// again after `rest`. A second failure is that of an action of `else`; the firing still counts once as failed. Ignores
  /// unknown ids.
  /// - Parameter reason: which action failed, and why.
  package func failed(_ firing: UInt64, _ reason: String) {
    guard let one = atWork[firing] else { return }
    if one.failedFiring == firing {
      one.lastError = one.lastError.map { "\($0); else: \(reason)" } ?? reason
      return
    }
    one.failedFiring = firing
    one.failed += 1
    one.lastError = reason
    one.retryFrom = clock.now + Self.rest
    if let turn = one.turn { giveBack(turn, of: one) }
  }

  /// Undoes the counting of `cooldown` and `max_per_hour` for a firing that did not happen.
  func giveBack(_ turn: (accepted: Instant, before: Instant?), of one: RuleProgress) {
    if one.lastAccepted == turn.accepted {
      one.lastAccepted = turn.before
      keepCooldown(of: one)
    }
    if let place = one.lastHour.lastIndex(of: turn.accepted) { one.lastHour.remove(at: place) }
  }

  /// Evaluates the condition.
  func evaluate(_ one: RuleProgress, _ event: Event) -> Result<Bool, CELError> {
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

  private func report(_ one: RuleProgress, _ error: String, _ event: Event) {
    guard one.lastError != error else { return }
    one.lastError = error
    environment.conditionFailed(one.rule.id, error, event: event)
  }

  // MARK: Firing

  /// Fires if limits and mode allow it.
  /// - Returns: whether the firing succeeded or was queued.
  @discardableResult
  func attempt(_ one: RuleProgress, _ folded: RuleProgress.Folded) -> Bool {
    let now = clock.now
    guard limit(one, at: now) == nil else { return false }
    let isBusy = !one.atWork.isEmpty
    if isBusy && one.rule.declaration.mode == .single { return false }
    var folded = folded
    folded.turn = (now, one.lastAccepted)
    one.lastAccepted = now
    keepCooldown(of: one)
    if one.rule.declaration.maxPerHour != nil { one.lastHour.append(now) }
    if isBusy && one.rule.declaration.mode == .queued {
      if one.queue.count < Self.queueLimit {
        one.queue.append(folded)
      } else {
        one.queue[one.queue.count - 1].fold(folded)
      }
      return true
    }
    return begin(one, folded)
  }

  /// Why a rule waits whose actions name an agent that cannot be woken; nil when all are there.
  func missingAgent(of one: RuleProgress) -> String? {
    func missing(in actions: [RuleDeclaration.Action]) -> String? {
      for action in actions {
        if let agent = action.agent, let why = environment.absence(of: agent) { return "it waits for agent \(why)" }
      }
      return nil
    }
    return missing(in: one.rule.declaration.actions) ?? missing(in: one.rule.declaration.otherwise)
  }

  /// The actions that make an output safe. A rule that waits for an agent carries out these, and no others.
  func safeActions(of one: RuleProgress) -> [RuleDeclaration.Action] {
    one.rule.declaration.actions.filter { action in
      guard case .actuate(let device, let command, _) = action else { return false }
      return environment.isSafe(command, for: device)
    }
  }

  /// The limit that prevents the rule from firing now, as a message; nil when there is none.
  func limit(_ one: RuleProgress, at now: Instant) -> String? {
    if let missing = missingAgent(of: one), safeActions(of: one).isEmpty { return missing }
    if let from = one.retryFrom, from > now { return "its last firing failed: retries in \((from - now).spoken)" }
    if let most = one.rule.declaration.maxPerHour {
      one.lastHour.removeFirst(one.lastHour.prefix { now - $0 >= .seconds(3600) }.count)
      if one.lastHour.count >= most {
        let left = one.lastHour[one.lastHour.count - most] + .seconds(3600) - now
        return "max_per_hour: \(one.lastHour.count) of \(most) used, the next in \(left.spoken)"
      }
    }
    if let until = one.restsUntil, until > now {
      return "cooldown: \((until - now).spoken) left from before the last restart"
    }
    if let cooldown = one.rule.declaration.cooldown, let last = one.lastAccepted, last + cooldown > now {
      return "cooldown: \((last + cooldown - now).spoken) left"
    }
    return nil
  }

  /// - Returns: whether no action has failed so far.
  @discardableResult
  private func begin(_ one: RuleProgress, _ folded: RuleProgress.Folded) -> Bool {
    let rule = one.rule
    let isWaiting = missingAgent(of: one) != nil
    let actions = isWaiting ? safeActions(of: one) : rule.declaration.actions
    // The agent may have gone while the firing was in the queue.
    if isWaiting && actions.isEmpty {
      if let turn = folded.turn { giveBack(turn, of: one) }
      return false
    }
    var replaced: UInt64?
    if rule.declaration.mode == .restart, let old = one.atWork.popLast() {
      replaced = old
      atWork[old] = nil
    }
    lastFiring += 1
    let id = lastFiring
    atWork[id] = one
    one.atWork.append(id)
    one.fired += 1
    one.lastFired = clock.now
    one.turn = folded.turn
    environment.fire(
      Firing(
        id: id, rule: rule.id, event: folded.event, count: folded.count,
        actions: resolve(actions, rule.payloads, folded.event),
        otherwise: isWaiting ? [] : resolve(rule.declaration.otherwise, rule.otherwisePayloads, folded.event),
        mode: rule.declaration.mode, replaces: replaced))
    return one.failedFiring != id
  }

  /// Evaluates payloads up to the first failure: the actions after a failed one are not carried out.
  private func resolve(
    _ actions: [RuleDeclaration.Action], _ payloads: [CompiledRule.Payload], _ event: Event
  ) -> [Firing.Action] {
    var resolved: [Firing.Action] = []
    var programs = payloads[...]
    for action in actions {
      resolved.append(action.map { _ in payload(programs.popFirst() ?? [], event) })
      if case .emit(_, .failure)? = resolved.last { break }
    }
    return resolved
  }

  private func payload(_ programs: CompiledRule.Payload, _ event: Event) -> Firing.Payload {
    scope.event = event
    var fields = Fields()
    do throws(CELError) {
      for (name, program) in programs { fields[name] = try program.evaluate(scope).converted() }
      return .success(fields)
    } catch {
      return .failure(Firing.PayloadError(message: error.message))
    }
  }
}
