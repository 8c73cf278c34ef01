import CEL
import Model

/// From an accepted event to the actions, list after list.
extension RuleEngine {
  /// Fires if limits and mode allow it.
  /// - Returns: whether the firing succeeded or was queued.
  @discardableResult
  func attempt(_ one: RuleProgress, _ lane: RuleLane, _ folded: RuleProgress.Folded) -> Bool {
    let now = clock.now
    guard limit(one, lane, at: now) == nil else { return false }
    let isBusy = !one.atWork.isEmpty
    if isBusy && one.rule.declaration.mode == .single { return false }
    var folded = folded
    folded.turn = RuleProgress.Turn(accepted: now, before: lane.lastAccepted, lane: lane)
    lane.lastAccepted = now
    keepCooldown(of: one, lane)
    if one.rule.declaration.maxPerHour != nil { one.counted.lastHour.append(now) }
    if isBusy && one.rule.declaration.mode == .queued {
      if one.counted.queue.count < Self.queueLimit {
        one.counted.queue.append(folded)
      } else {
        one.counted.queue[one.counted.queue.count - 1].fold(folded)
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
  func limit(_ one: RuleProgress, _ lane: RuleLane, at now: Instant) -> String? {
    if let missing = missingAgent(of: one), safeActions(of: one).isEmpty { return missing }
    if let from = one.account?.retryFrom, from > now {
      return "its last firing failed: retries in \((from - now).spoken)"
    }
    if let most = one.rule.declaration.maxPerHour, let account = one.account {
      account.lastHour.removeFirst(account.lastHour.prefix { now - $0 >= .seconds(3600) }.count)
      let used = account.lastHour.count
      if used >= most {
        let left = account.lastHour[used - most] + .seconds(3600) - now
        return "max_per_hour: \(used) of \(most) used, the next in \(left.spoken)"
      }
    }
    if let until = lane.restsUntil, until > now {
      return "cooldown: \((until - now).spoken) left from before the last restart"
    }
    if let cooldown = one.rule.declaration.cooldown, let last = lane.lastAccepted, last + cooldown > now {
      return "cooldown: \((last + cooldown - now).spoken) left"
    }
    return nil
  }

  /// - Returns: whether no action has failed so far.
  @discardableResult
  func begin(_ one: RuleProgress, _ folded: RuleProgress.Folded) -> Bool {
    let rule = one.rule
    let isWaiting = missingAgent(of: one) != nil
    let list = isWaiting ? CompiledActions(of: safeActions(of: one)) : rule.actions
    // The agent may have gone while the firing was in the queue.
    if isWaiting && list.actions.isEmpty {
      if let turn = folded.turn { giveBack(turn, of: one) }
      return false
    }
    var replaced: UInt64?
    if rule.declaration.mode == .restart, let old = one.atWork.popLast() {
      replaced = old
      atWork.removeValue(forKey: old).map(stopWaiting)
    }
    one.fired += 1
    one.lastFired = clock.now
    one.counted.turn = folded.turn
    let id = carryOut(
      list, otherwise: isWaiting ? CompiledActions() : rule.otherwise, of: one, folded, replaces: replaced)
    return one.account?.failedFiring != id
  }

  /// Begins a firing.
  /// - Returns: its id.
  @discardableResult
  func carryOut(
    _ list: CompiledActions, otherwise: CompiledActions, of one: RuleProgress, _ folded: RuleProgress.Folded,
    replaces replaced: UInt64? = nil
  ) -> UInt64 {
    lastFiring += 1
    let id = lastFiring
    let running = RunningFiring(id, one, folded.event, list, otherwise)
    atWork[id] = running
    one.atWork.append(id)
    environment.fire(
      Firing(
        id: id, rule: one.rule.id, event: folded.event, count: folded.count, actions: part(of: running),
        isState: one.state != nil, retry: one.rule.declaration.retry, mode: one.rule.declaration.mode,
        replaces: replaced))
    return id
  }

  /// The actions up to the next one that waits, with evaluated expressions. Those after a failed expression are left out,
  /// because they would not be carried out.
  private func part(of running: RunningFiring) -> [Firing.Action] {
    var part: [Firing.Action] = []
    while running.next < running.list.actions.count {
      let place = running.next
      running.next += 1
      let action = running.list.actions[place].map { _ in payload(running.list.payload(place), running.event) }
      part.append(action)
      if case .failure? = action.payload { running.next = running.list.actions.count }
      if action.waits { break }
    }
    return part
  }

  private func payload(_ programs: CompiledActions.Payload, _ event: Event) -> Firing.Payload {
    scope.event = event
    var fields = Fields()
    do throws(CELError) {
      for (name, program) in programs { fields[name] = try program.evaluate(scope).converted() }
      return .success(fields)
    } catch {
      return .failure(Firing.PayloadError(message: error.message))
    }
  }

  // MARK: Lists that wait

  /// Whether actions of a firing are left after the part that was handed out last.
  package func hasMore(_ firing: UInt64) -> Bool {
    atWork[firing].map { $0.next < $0.list.actions.count || $0.isAtWait } ?? false
  }

  /// Goes over to the actions of `else`, because one has failed.
  /// - Returns: the actions up to the first that waits; empty without `else`, and when one of `else` itself has failed.
  package func otherwise(of firing: UInt64) -> [Firing.Action] {
    guard let running = atWork[firing], !running.isElse else { return [] }
    running.isElse = true
    (running.list, running.next) = (running.otherwise, 0)
    return part(of: running)
  }

  /// Waits as the last action of the handed-out part says, then hands out the next part (`RuleEnvironment.goOn`).
  package func wait(_ firing: UInt64) {
    guard let running = atWork[firing], running.next > 0 else { return }
    switch running.list.actions[running.next - 1] {
    case .wait(let time):
      running.timer = clock.schedule(after: time) { [weak self, weak running] in
        guard let self, let running else { return }
        running.timer = nil
        goOn(running)
      }
    case .waitFor(let condition, let time):
      guard let program = running.list.condition(running.next - 1) else { return goOn(running) }
      running.timer = clock.schedule(after: time) { [weak self, weak running] in
        guard let self, let running else { return }
        running.timer = nil
        stopWaiting(running)
        environment.waitEnded(running.id, in: "wait_for(\(condition.text))", within: time)
      }
      let watch = RuleWatch(RuleCompiler.subjects(of: program), rank: running.one.rank) { [weak self, weak running] _ in
        guard let self, let running else { return }
        lookForEnd(of: running, program)
      }
      running.watch = watch
      watches.add(watch)
      mark(watch, nil)
    default: goOn(running)
    }
  }

  private func lookForEnd(of running: RunningFiring, _ program: CELProgram) {
    scope.event = running.event
    scope.startNoting()
    if truth(program) == .yes {
      stopWaiting(running)
      turn.lists.append { [weak self] in self?.goOn(running) }
    } else if let watch = running.watch {
      wake(watch, after: scope.nextChange)
    }
  }

  private func goOn(_ running: RunningFiring) {
    guard atWork[running.id] === running else { return }
    environment.goOn(running.id, part(of: running))
  }

  /// Cancels what a firing waits for.
  func stopWaiting(_ running: RunningFiring) {
    if let timer = running.timer { clock.cancel(timer) }
    running.timer = nil
    guard let watch = running.watch else { return }
    running.watch = nil
    clearTimer(of: watch)
    watches.remove(watch)
  }
}

/// A firing under way.
final class RunningFiring {
  let id: UInt64
  let one: RuleProgress
  let event: Event
  var list: CompiledActions
  let otherwise: CompiledActions
  /// The first action of `list` that was not handed out yet.
  var next = 0
  /// Whether `list` is `else`.
  var isElse = false
  /// The time of `wait`, or the longest one of `wait_for`.
  var timer: TimerID?
  /// The condition of `wait_for`.
  var watch: RuleWatch?

  init(
    _ id: UInt64, _ one: RuleProgress, _ event: Event, _ list: CompiledActions, _ otherwise: CompiledActions
  ) {
    self.id = id
    self.one = one
    self.event = event
    self.list = list
    self.otherwise = otherwise
  }

  /// Whether the last action that was handed out waits.
  var isAtWait: Bool { next > 0 && list.actions[next - 1].waits }
}
