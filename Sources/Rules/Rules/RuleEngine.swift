import CEL
import Model

/// Decides what rules fire: the pure part of orchestration. It acts only through its environment and its timers.
///
/// An event goes through these steps, and stops at the first that holds it back: `on` fits; `if` is true; `for` has
/// passed; `debounce` is quiet; `throttle` is open; `max_per_hour` and `cooldown` allow it; `mode` lets it begin.
public final class RuleEngine {
  let clock: any Timekeeper
  unowned let environment: any RuleEnvironment
  let scope: RuleScope
  private(set) var rules: RuleSet = .empty
  private(set) var progress: [RuleProgress] = []
  private var byID: [RuleID: RuleProgress] = [:]
  private var atWork: [UInt64: RuleProgress] = [:]
  private var lastFiring: UInt64 = 0
  /// Rules by event type, as far as they were asked for: what most events need is one look-up.
  private var found: [String: [Int]] = [:]

  /// Up to which wall time the calendar has been followed, and when that was; nil before the first rules.
  var calendar: (seconds: Int64, at: Instant, isRunning: Bool)?

  /// How many conditions were evaluated: what an event costs.
  public private(set) var evaluations: UInt64 = 0

  /// A rule that has failed is tried again no sooner.
  public static let rest = Duration.seconds(10)

  /// At most this many firings of a rule wait for their turn; more are folded into the last.
  public static let queueLimit = 16

  /// An engine without rules.
  /// - Parameter environment: not retained; it must live as long as the engine is used.
  public init(clock: any Timekeeper, environment: any RuleEnvironment) {
    self.clock = clock
    self.environment = environment
    scope = RuleScope(environment, clock)
  }

  deinit { for one in progress { cancelTimers(of: one) } }

  // MARK: Rules

  /// How many rules there are.
  public var count: Int { rules.count }

  /// Puts new rules in the place of all old ones.
  ///
  /// A rule whose id and text are unchanged keeps its counters, its timers and its firings at work. Timers of all
  /// others end; their firings at work go on, and nothing waits behind them.
  /// - Returns: the rules that are in force no more, in the order of their ids, and those that were not before. A rule whose
  ///   text has changed is in both.
  @discardableResult
  public func replace(with rules: RuleSet) -> (ended: [RuleID], begun: Set<RuleID>) {
    let old = byID
    byID = [:]
    progress = rules.rules.map { rule in
      if let kept = old[rule.id], kept.rule.signature == rule.signature {
        kept.rule = rule
        return kept
      }
      return RuleProgress(rule)
    }
    self.rules = rules
    found = [:]
    for one in progress { byID[one.rule.id] = one }
    var ended: [RuleID] = []
    for (id, one) in old where byID[id] !== one {
      cancelTimers(of: one)
      for firing in one.atWork { atWork[firing] = nil }
      ended.append(id)
    }
    let begun = byID.compactMap { id, one in old[id] === one ? nil : id }
    if calendar == nil { calendar = (wallSeconds, clock.now, environment.clockIsTrusted) }
    for one in progress where one.timer == nil { startTimer(of: one) }
    return (ended.sorted(), Set(begun))
  }

  /// The rules in force.
  public var ruleIDs: [RuleID] { progress.map(\.rule.id) }

  /// Every rule and what became of it, in the order of the files.
  public func statuses() -> [RuleStatus] {
    progress.map { one in
      let rule = one.rule.declaration
      return RuleStatus(
        id: rule.id, trigger: RuleText.trigger(rule.trigger), condition: rule.condition?.text,
        actions: rule.actions.map(RuleText.action) + rule.otherwise.map { "else \(RuleText.action($0))" },
        location: rule.location, fired: one.fired,
        failed: one.failed, lastFired: one.lastFired, lastError: one.lastError ?? waitsForClock(one))
    }
  }

  /// The rules of the calendar, while the clock is not trusted.
  public var waitingForClock: [RuleID] { progress.filter { waitsForClock($0) != nil }.map(\.rule.id) }

  /// Why a rule of the calendar is not due; nil for any other, and while the clock is trusted.
  private func waitsForClock(_ one: RuleProgress) -> String? {
    one.rule.cron == nil || environment.clockIsTrusted ? nil : Self.clockNotTrusted
  }

  /// What a rule of the calendar waits for.
  public static let clockNotTrusted = "it waits for the clock to be set: it was not synchronised since the boot"

  func matching(_ type: String) -> [Int] {
    if let known = found[type] { return known }
    let matching = rules.rules(for: type)
    // Names come from outside, too: remembering them must not grow without end.
    if found.count >= 512 { found.removeAll(keepingCapacity: true) }
    found[type] = matching
    return matching
  }

  /// Whether a rule that `event` sets off asks for the state of `agent`, or may do so.
  public func asksState(of agent: AgentID, on event: Event) -> Bool {
    matching(event.type).contains { progress[$0].rule.asks("state", about: agent.rawValue) }
  }

  /// The rules that `event` sets off and that ask about one of `sensors`, or may do so.
  public func rules(on event: Event, asking sensors: [DeviceID]) -> Set<RuleID> {
    let asking = matching(event.type).map { progress[$0].rule }.filter { rule in
      sensors.contains { rule.asks("sensor", about: $0.rawValue) }
    }
    return Set(asking.map(\.id))
  }

  // MARK: Events

  /// Looks what an event sets off. Firings happen within this call or, where a rule waits, later from a timer.
  /// - Parameters:
  ///   - only: looks at no other rules; nil is all.
  ///   - not: leaves these out.
  public func handle(_ event: Event, only: Set<RuleID>? = nil, not left: Set<RuleID> = []) {
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

  /// A firing is done: all that it set off has ended. Unknown ids are ignored.
  public func finished(_ firing: UInt64) {
    guard let one = atWork.removeValue(forKey: firing) else { return }
    one.atWork.removeAll { $0 == firing }
    if one.failedFiring != firing { one.lastError = nil }
    while one.atWork.isEmpty, !one.queue.isEmpty { begin(one, one.queue.removeFirst()) }
  }

  /// An action of the firing that is being carried out was not: the rule is tried again, but not at once, and what its limits
  /// had counted for it is given back.
  /// - Parameter reason: which action, and why.
  public func failed(_ firing: UInt64, _ reason: String) {
    guard let one = atWork[firing] else { return }
    one.failedFiring = firing
    one.failed += 1
    one.lastError = reason
    one.retryFrom = clock.now + Self.rest
    if let turn = one.turn { giveBack(turn, of: one) }
  }

  /// What limits had counted for a firing that did not come about.
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
        return .failure(CELError(message: "the condition gives \(value.type), but must give bool"))
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

  /// Lets a firing through if limits and mode allow it.
  /// - Returns: whether it was carried out or waits in the queue.
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

  /// Which limit keeps a rule from firing now; nil when none does.
  func limit(_ one: RuleProgress, at now: Instant) -> String? {
    if let from = one.retryFrom, from > now { return "its last firing failed: tried again in \((from - now).spoken)" }
    if let most = one.rule.declaration.maxPerHour {
      one.lastHour.removeFirst(one.lastHour.prefix { now - $0 >= .seconds(3600) }.count)
      if one.lastHour.count >= most {
        let left = one.lastHour[one.lastHour.count - most] + .seconds(3600) - now
        return "max_per_hour: \(one.lastHour.count) of \(most) used, the next in \(left.spoken)"
      }
    }
    if let until = one.restsUntil, until > now {
      return "cooldown: \((until - now).spoken) left of before the last restart"
    }
    if let cooldown = one.rule.declaration.cooldown, let last = one.lastAccepted, last + cooldown > now {
      return "cooldown: \((last + cooldown - now).spoken) left"
    }
    return nil
  }

  /// - Returns: whether it was carried out: no action has failed.
  @discardableResult
  private func begin(_ one: RuleProgress, _ folded: RuleProgress.Folded) -> Bool {
    let rule = one.rule
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
        actions: resolve(rule.actions, folded.event),
        otherwise: resolve(rule.otherwise, folded.event),
        mode: rule.declaration.mode, replaces: replaced))
    return one.failedFiring != id
  }

  /// Evaluates payloads, up to the first that cannot be: that action fails, and nothing follows a failed one.
  private func resolve(_ actions: [CompiledRule.Action], _ event: Event) -> [Firing.Action] {
    var resolved: [Firing.Action] = []
    for action in actions {
      resolved.append(action.map { payload($0, event) })
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
