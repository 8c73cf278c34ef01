import CEL
import Model

/// The lives of state rules: looks at their conditions, and carries out the effects of `StateRuleLife`.
extension RuleEngine {
  /// The most beginnings within a second. Beyond it a rule rests: it probably ends itself.
  static let mostBeginnings = 16

  // MARK: Looking

  /// Looks at the conditions of a state rule, because something has changed or time has passed.
  func look(at one: RuleProgress, _ change: RuleSubject?) {
    guard let state = one.state, state.life != .off else { return }
    scope.event = RuleScope.noEvent
    scope.startNoting()
    failure = nil
    let found = conditions(of: one, state)
    if let failure {
      report(one, failure, state.run?.began ?? RuleScope.noEvent)
    } else if state.run?.restsUntil == nil {
      one.lastError = nil
    }
    if state.life == .stopped {
      // What has become true during the stop must not move an output when it is cleared.
      state.wasFalse = found.trigger == .no || state.wasFalse && !environment.isStopped
      if state.wasFalse, !environment.isStopped { return step(one, .stopCleared, change) }
    }
    step(one, .looked(found), change)
    if state.life.lasts { claimAgain(one, state) }
    wake(state.watch, after: scope.nextChange)
  }

  /// What the conditions of a state rule say now. The guard and the levels count only when they matter.
  private func conditions(of one: RuleProgress, _ state: StateProgress) -> StateRuleLife.Look {
    guard let rule = one.rule.state, let begins = rule.begins else {
      return StateRuleLife.Look(trigger: .no, end: .yes, isUnknown: false, allows: .no)
    }
    let isTrue = truth(begins)
    let isOver = rule.ends.map(truth)
    let trigger = isOver.map { isTrue && !$0 } ?? isTrue
    let end = isOver ?? !isTrue
    // The next run has its own allowance.
    if !state.life.lasts, trigger != .yes, one.rule.declaration.state?.atMost?.period == .run { state.memory.spent = 0 }
    var allows = Truth.yes
    if trigger == .yes || state.life.lasts || state.life == .resuming { allows = allowance(of: one, state) }
    state.unknown =
      [isTrue, isOver, allows].lazy.compactMap { truth in
        if case .unknown(let why)? = truth { why } else { nil }
      }.first
    return StateRuleLife.Look(
      trigger: trigger, end: end, isUnknown: isTrue.isUnknown || isOver?.isUnknown ?? false, allows: allows)
  }

  /// The guard: `if`, the hours, what is left of `at_most`, and whether all levels are known.
  private func allowance(of one: RuleProgress, _ state: StateProgress) -> Truth {
    state.run?.closed = nil
    var allows = scope.isOpen(one.rule.declaration.hours)
    if allows == .no { state.begun.closed = "its hours are over" }
    if let condition = one.rule.condition {
      let holds = truth(condition)
      if holds == .no, state.run?.closed == nil { state.begun.closed = "'if' is not true any more" }
      allows = allows && holds
    }
    if let rest = rest(of: one, state), rest <= .zero {
      if state.run?.closed == nil { state.begun.closed = "'at_most' is used up" }
      allows = .no
    }
    if let until = state.run?.restsUntil {
      if until > clock.now {
        scope.resultChanges(after: until - clock.now)
        allows = .no
      } else {
        state.run?.restsUntil = nil
      }
    }
    switch levels(of: one) {
    // A rule that keeps nothing needs no run for that.
    case .success(let levels): if !levels.isEmpty { state.begun.levels = levels }
    case .failure(let why): allows = allows && .unknown(why.message)
    }
    return allows
  }

  /// The levels of `keep` now.
  func levels(of one: RuleProgress) -> Result<[Double], NoAnswer> {
    guard let keep = one.rule.declaration.state?.keep, let programs = one.rule.state?.levels else {
      return .success([])
    }
    var levels: [Double] = []
    for (place, kept) in keep.enumerated() {
      switch (kept.level, programs.isEmpty ? nil : programs[place]) {
      case (.fixed(let level), _): levels.append(level)
      case (.computed(let expression), let program?):
        do throws(CELError) {
          let value = try program.evaluate(scope)
          guard let level = Self.level(value) else {
            return .failure(NoAnswer("the level of '\(kept.device)' is \(value), but must be from 0 to 1"))
          }
          levels.append(level)
        } catch {
          if error.kind != .missing { failure = describe(error, expression.text) }
          return .failure(NoAnswer(error.message))
        }
      case (.computed, nil): return .failure(NoAnswer("the level of '\(kept.device)' has an error"))
      }
    }
    return .success(levels)
  }

  /// A level from 0 to 1; nil for anything else.
  private static func level(_ value: CELValue) -> Double? {
    let level: Double
    switch value {
    case .bool(let isOn): level = isOn ? 1 : 0
    case .double(let number): level = number
    case .int(let number): level = Double(number)
    default: return nil
    }
    return (0...1).contains(level) ? level : nil
  }

  // MARK: Stepping

  /// Lets something happen to a state rule. Call it in a turn.
  func step(_ one: RuleProgress, _ happening: StateRuleLife.Happening, _ change: RuleSubject? = nil) {
    guard let state = one.state, let rule = one.rule.declaration.state else { return }
    let hold = one.rule.declaration.hold
    let (next, effects) = state.life.next(happening, hasHold: hold != nil, hasLinger: rule.linger > .zero)
    let before = state.life
    if next != before {
      state.life = next
      state.since = clock.now
      // The trigger became true, or the guard opened after it.
      if before == .waiting, next != .waiting {
        state.begun.cause = change.flatMap(environment.event) ?? state.run?.cause
      }
      // When its hours begin there is no event: nothing caused it but the time.
      if before == .armed, next == .lasting { state.begun.cause = change.flatMap(environment.event) }
      if next == .armed, before == .waiting || before == .arming {
        state.begun.cause = state.run?.cause ?? change.flatMap(environment.event)
      }
    }
    for effect in effects {
      switch effect {
      case .startHold:
        startTimer(of: one, state, after: hold ?? .zero) { engine in .held(engine.conditionsNow(of: one)) }
      case .startLinger: startTimer(of: one, state, after: rule.linger) { _ in .lingered }
      case .cancelTime: cancelTimer(of: state)
      case .begin: begin(one, state)
      case .resume: resume(one, state)
      case .end(let acts): end(one, state, happening, acts: acts, why: reason(happening, before, state), change)
      case .lookAgain: markLater(state.watch, nil)
      }
    }
    if next == .stopped { state.memory.isStopped = true } else if before == .stopped { state.memory.isStopped = false }
    if next != before { remember(one, state) }
  }

  private func conditionsNow(of one: RuleProgress) -> StateRuleLife.Look {
    guard let state = one.state else {
      return StateRuleLife.Look(trigger: .no, end: .yes, isUnknown: false, allows: .no)
    }
    scope.event = RuleScope.noEvent
    scope.startNoting()
    let found = conditions(of: one, state)
    wake(state.watch, after: scope.nextChange)
    return found
  }

  private func startTimer(
    of one: RuleProgress, _ state: StateProgress, after time: Duration,
    _ happening: @escaping (RuleEngine) -> StateRuleLife.Happening
  ) {
    cancelTimer(of: state)
    state.timer = clock.schedule(after: time) { [weak self, weak one] in
      guard let self, let one, let state = one.state else { return }
      state.timer = nil
      inTurn { self.step(one, happening(self)) }
    }
  }

  private func cancelTimer(of state: StateProgress) {
    if let timer = state.timer { clock.cancel(timer) }
    state.timer = nil
  }

  func cancelTimers(of state: StateProgress) {
    cancelTimer(of: state)
    for timer in [state.run?.repeatTimer, state.run?.countTimer] { if let timer { clock.cancel(timer) } }
    state.run?.repeatTimer = nil
    state.run?.countTimer = nil
    clearTimer(of: state.watch)
  }

  private func begin(_ one: RuleProgress, _ state: StateProgress) {
    if state.begun.countBeginning(at: clock.now) > Self.mostBeginnings {
      state.begun.restsUntil = clock.now + Self.rest
      report(
        one, "it began \(Self.mostBeginnings) times within a second, and rests for \(Self.rest.text)",
        state.run?.began ?? RuleScope.noEvent)
      state.life = .waiting
      markLater(state.watch, nil)
      return
    }
    state.memory.lasts = true
    one.fired += 1
    one.lastFired = clock.now
    let began = environment.published(.began, of: one.rule.id, cause: state.run?.cause)
    state.begun.began = began
    claim(one, state)
    act(one, one.rule.actions, began)
    startRepeating(one, state)
  }

  private func resume(_ one: RuleProgress, _ state: StateProgress) {
    cancelTimer(of: state)
    state.memory.lasts = true
    state.begun.began = environment.published(.resumed, of: one.rule.id, cause: state.run?.cause)
    claim(one, state)
    startRepeating(one, state)
  }

  private func end(
    _ one: RuleProgress, _ state: StateProgress, _ happening: StateRuleLife.Happening, acts: Bool, why: String,
    _ change: RuleSubject?
  ) {
    state.memory.lasts = false
    cancelTimer(of: state)
    if let timer = state.run?.repeatTimer { clock.cancel(timer) }
    state.run?.repeatTimer = nil
    for firing in one.atWork where atWork[firing]?.isAtWait ?? false { cut(firing) }
    let cause = change.flatMap(environment.event) ?? state.run?.began
    let ended = environment.published(.ended(why), of: one.rule.id, cause: cause)
    // Also without a claim: what a person has kept off its outputs ends with it.
    if one.rule.keeps || state.hasClaim {
      state.run?.claimed = []
      environment.dropClaim(of: one.rule.id, ended: ended, isRemoved: happening == .removed)
      turn.hasClaims = true
    }
    state.run?.cause = nil
    guard acts, let list = one.rule.state?.endActions else { return }
    // The stop may be over by now: what it would have refused is not done afterwards.
    act(one, happening == .stopBegan ? list.filtered { !$0.mayMove } : list, ended)
  }

  private func reason(
    _ happening: StateRuleLife.Happening, _ before: StateRuleLife, _ state: StateProgress
  ) -> String {
    switch happening {
    case .looked(let look), .held(let look):
      if look.isUnknown { return state.unknown ?? "a condition is unknown" }
      switch look.allows {
      case .no: return state.run?.closed ?? "its guard does not allow it any more"
      case .unknown(let why): return why
      case .yes: return "its condition has ended"
      }
    case .lingered: return "its time to linger is over"
    case .disabled: return "it was disabled"
    case .removed: return "it was removed"
    case .stopBegan: return "an emergency stop"
    case .stayedUnknown: return "its conditions stayed unknown after the start"
    case .enabled, .stopCleared: return "\(before.rawValue)"
    }
  }

  // MARK: Effects

  /// Carries out a list of actions after outputs have been moved.
  private func act(_ one: RuleProgress, _ list: CompiledActions, _ event: Event) {
    guard !list.actions.isEmpty else { return }
    turn.lists.append { [weak self] in
      guard let self else { return }
      if missingAgent(of: one) != nil {
        let safe = CompiledActions(of: safeActions(of: one))
        if !safe.actions.isEmpty {
          carryOut(safe, otherwise: CompiledActions(), of: one, RuleProgress.Folded(event: event, count: 1))
        }
        return
      }
      carryOut(list, otherwise: one.rule.otherwise, of: one, RuleProgress.Folded(event: event, count: 1))
    }
  }

  private func startRepeating(_ one: RuleProgress, _ state: StateProgress) {
    guard let period = one.rule.declaration.state?.repeats else { return }
    state.begun.repeatTimer = clock.schedule(after: period) { [weak self, weak one] in
      guard let self, let one, let state = one.state, let began = state.run?.began else { return }
      state.run?.repeatTimer = nil
      startRepeating(one, state)
      // A list that still runs is not begun a second time.
      if one.atWork.isEmpty { inTurn { self.act(one, one.rule.actions, began) } }
    }
  }

  private func claim(_ one: RuleProgress, _ state: StateProgress) {
    guard let keep = one.rule.declaration.state?.keep, !keep.isEmpty, let run = state.run,
      run.levels.count == keep.count
    else { return }
    run.claimed = run.levels
    run.levelsChanged = clock.now
    environment.claim(
      OutputClaim(
        rule: one.rule.id, rank: one.rank, outputs: zip(keep, run.levels).map { ($0.device, $1) }, cause: run.began))
    turn.hasClaims = true
  }

  /// Claims new levels: by 1 % at least, once a second at most.
  private func claimAgain(_ one: RuleProgress, _ state: StateProgress) {
    guard let run = state.run, run.levels != run.claimed, !run.claimed.isEmpty else { return }
    let isVisible = zip(run.levels, run.claimed).contains { new, old in
      (new - old).magnitude >= 0.01 || new != old && (new == 0 || new == 1)
    }
    guard isVisible else { return }
    let wait = run.levelsChanged + .seconds(1) - clock.now
    if wait > .zero { scope.resultChanges(after: wait) } else { claim(one, state) }
  }

  func remember(_ one: RuleProgress, _ state: StateProgress) {
    state.memory.isDisabled = one.isDisabled
    state.memory.outputs = state.memory.isStopped ? one.rule.outputs : []
    environment.remember(one.rule.id, state.memory.isEmpty ? nil : state.memory)
  }
}
