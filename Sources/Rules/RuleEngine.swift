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

  /// How many conditions were evaluated: what an event costs.
  public private(set) var evaluations: UInt64 = 0

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
  public func replace(with rules: RuleSet) {
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
    for (id, one) in old where byID[id] !== one {
      cancelTimers(of: one)
      for firing in one.atWork { atWork[firing] = nil }
    }
    for one in progress where one.timer == nil { startTimer(of: one) }
  }

  /// Every rule and what became of it, in the order of the files.
  public func statuses() -> [RuleStatus] {
    progress.map { one in
      let rule = one.rule.declaration
      return RuleStatus(
        id: rule.id, trigger: RuleText.trigger(rule.trigger), condition: rule.condition?.text,
        actions: rule.actions.map(RuleText.action), location: rule.location, fired: one.fired,
        lastFired: one.lastFired, lastError: one.lastError)
    }
  }

  func matching(_ type: String) -> [Int] {
    if let known = found[type] { return known }
    let matching = rules.rules(for: type)
    // Names come from outside, too: remembering them must not grow without end.
    if found.count >= 512 { found.removeAll(keepingCapacity: true) }
    found[type] = matching
    return matching
  }

  // MARK: Events

  /// Looks what an event sets off. Firings happen within this call or, where a rule waits, later from a timer.
  public func handle(_ event: Event) {
    let matching = matching(event.type)
    guard !matching.isEmpty else { return }
    let progress = self.progress
    for number in matching {
      let one = progress[number]
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
    // One whose payloads all fail never begins; then the next has its turn.
    while one.atWork.isEmpty, !one.queue.isEmpty { begin(one, one.queue.removeFirst()) }
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
  /// - Returns: whether it has begun or waits in the queue.
  @discardableResult
  func attempt(_ one: RuleProgress, _ folded: RuleProgress.Folded) -> Bool {
    let now = clock.now
    guard limit(one, at: now) == nil else { return false }
    let isBusy = !one.atWork.isEmpty
    if isBusy && one.rule.declaration.mode == .single { return false }
    one.lastAccepted = now
    if one.rule.declaration.maxPerHour != nil { one.lastHour.append(now) }
    if isBusy && one.rule.declaration.mode == .queued {
      if one.queue.count < Self.queueLimit {
        one.queue.append(folded)
      } else {
        one.queue[one.queue.count - 1].fold(folded)
      }
      return true
    }
    begin(one, folded)
    return true
  }

  /// Which limit keeps a rule from firing now; nil when none does.
  func limit(_ one: RuleProgress, at now: Instant) -> String? {
    if let most = one.rule.declaration.maxPerHour {
      one.lastHour.removeFirst(one.lastHour.prefix { now - $0 >= .seconds(3600) }.count)
      if one.lastHour.count >= most {
        let left = one.lastHour[one.lastHour.count - most] + .seconds(3600) - now
        return "max_per_hour: \(one.lastHour.count) of \(most) used, the next in \(left.text)"
      }
    }
    if let cooldown = one.rule.declaration.cooldown, let last = one.lastAccepted, last + cooldown > now {
      return "cooldown: \((last + cooldown - now).text) left"
    }
    return nil
  }

  private func begin(_ one: RuleProgress, _ folded: RuleProgress.Folded) {
    let rule = one.rule
    let actions = resolve(one, folded.event)
    // Nothing is left to do when every payload failed, and that was reported.
    guard !actions.isEmpty else { return }
    var replaced: UInt64?
    if rule.declaration.mode == .restart, let old = one.atWork.popLast() {
      replaced = old
      atWork[old] = nil
    }
    lastFiring += 1
    atWork[lastFiring] = one
    one.atWork.append(lastFiring)
    one.fired += 1
    one.lastFired = clock.now
    environment.fire(
      Firing(
        id: lastFiring, rule: rule.id, event: folded.event, count: folded.count, actions: actions,
        mode: rule.declaration.mode, replaces: replaced))
  }

  private func resolve(_ one: RuleProgress, _ event: Event) -> [ResolvedAction] {
    var resolved: [ResolvedAction] = []
    for (action, payload) in zip(one.rule.declaration.actions, one.rule.payloads) {
      switch action {
      case .spawn(let agent): resolved.append(.spawn(agent))
      case .wake(let agent): resolved.append(.wake(agent))
      case .kill(let agent): resolved.append(.kill(agent))
      case .actuate(let device, let command, let lease): resolved.append(.actuate(device, command, lease: lease))
      case .emit(let type, _):
        scope.event = event
        var fields = Fields()
        do throws(CELError) {
          for (name, program) in payload { fields[name] = try program.evaluate(scope).converted() }
          resolved.append(.emit(type, fields))
        } catch {
          report(one, "emit(\(type)): \(error.message)", event)
        }
      }
    }
    return resolved
  }
}
