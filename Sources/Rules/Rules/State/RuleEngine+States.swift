import Model

/// Loading, stopping, disabling and resuming state rules.
extension RuleEngine {
  /// The shortest time that a rule which resumes waits for its conditions to be known.
  private static let shortestPatience = Duration.seconds(10)

  /// Gives every new state rule its life. A rule with the id of an older one goes on with that one's.
  func replaceStates(old: [RuleID: RuleProgress], kept: Set<RuleID>) {
    let present = Set(progress.lazy.filter { $0.rule.state != nil }.map(\.rule.id))
    inTurn {
      // What a stop has made safe does not move under another name.
      var stopped: Set<DeviceID> = []
      for (id, one) in old where !kept.contains(id) {
        guard let state = one.state else { continue }
        watches.remove(state.watch)
        if present.contains(id) { continue }
        let memory = state.memory
        if memory.isStopped { stopped.formUnion(one.rule.outputs) }
        step(one, .removed)
        if !retire(id, memory) { environment.remember(id, nil) }
      }
      for one in progress where one.rule.state != nil && one.state == nil {
        let older = old[one.rule.id]
        var memory = older?.state?.memory ?? retired.removeValue(forKey: one.rule.id) ?? RuleMemory()
        if older == nil, !stopped.isDisjoint(with: one.rule.outputs) { memory.isStopped = true }
        start(one, life: older?.state?.life ?? (memory.isStopped ? .stopped : .waiting), memory: memory)
        if let state = one.state, older == nil, !memory.isEmpty { remember(one, state) }
        guard let older, let before = older.state, let state = one.state else { continue }
        state.wasFalse = before.wasFalse
        state.run = before.run
        takeOverCount(one, state, from: older)
        takeOver(one, state)
      }
      // In the turn in which others give outputs back, so that those go from rule to rule. Not at the start of the daemon:
      // what was stored is not recalled yet.
      guard !old.isEmpty else { return }
      for one in progress where one.rule.keeps && !kept.contains(one.rule.id) { look(at: one, nil) }
    }
  }

  /// A rule is not in its file any more. Should it come back, it is disabled or stopped as it was, and what it has used of its
  /// hour or day stays used.
  /// - Returns: whether something is left of it.
  func retire(_ id: RuleID, _ memory: RuleMemory) -> Bool {
    var rest = RuleMemory()
    (rest.isStopped, rest.isDisabled) = (memory.isStopped, memory.isDisabled)
    if memory.spent > 0, isPresent(memory) { (rest.period, rest.spent) = (memory.period, memory.spent) }
    guard !rest.isEmpty, retired.count < Self.mostRetired else { return false }
    retired[id] = rest
    environment.remember(id, rest)
    return true
  }

  /// How many rules that are gone are remembered.
  private static let mostRetired = 1000

  /// Whether a period is the present hour or day.
  private func isPresent(_ memory: RuleMemory) -> Bool {
    let now = wallSeconds
    let local = now + Int64(environment.utcOffset(at: now))
    return [3600, 86_400].contains { local.dividedDown(by: $0) == memory.period }
  }

  private func start(_ one: RuleProgress, life: StateRuleLife, memory: RuleMemory) {
    // Unowned: both live as long as the watch is in `watches`, and a weak reference would cost each rule an allocation.
    let watch = RuleWatch(one.rule.state?.subjects ?? [], rank: one.rank) { [unowned self, unowned one] change in
      look(at: one, change)
    }
    let state = StateProgress(watch, life: life, memory: memory, now: clock.now)
    one.state = state
    one.isDisabled = one.isDisabled || memory.isDisabled
    if one.isDisabled { state.life = .off }
    if environment.isStopped, one.rule.keeps, state.life == .waiting { state.life = .stopped }
    watches.add(watch)
    markLater(watch, nil)
  }

  /// Goes on with the life of a rule whose text has changed.
  private func takeOver(_ one: RuleProgress, _ state: StateProgress) {
    switch state.life {
    // Its new `for` begins anew.
    case .arming, .armed: state.life = .waiting
    // Its new `linger` does, too.
    case .lingering: state.life = .lasting
    default: break
    }
    guard state.life.lasts else { return }
    if one.rule.keeps {
      // Its outputs or levels may have changed: the next look claims them.
      (state.begun.claimed, state.begun.levelsChanged) = ([-1], Instant(nanoseconds: 0))
    } else if state.hasClaim {
      state.run?.claimed = []
      environment.dropClaim(of: one.rule.id, ended: nil, isRemoved: false)
      turn.hasClaims = true
    }
  }

  /// Restores what the previous daemon stored. Call it before the first rules' first event.
  /// - Returns: the rules that do not exist any more, sorted: the caller deletes what is stored about them.
  package func recall(_ memories: [RuleID: RuleMemory]) -> [RuleID] {
    let unknown = Set(memories.keys).subtracting(ruleIDs)
    let stopped = unknown.reduce(into: Set<DeviceID>()) { $0.formUnion(memories[$1]?.outputs ?? []) }
    inTurn {
      for one in progress {
        guard var memory = memories[one.rule.id] else {
          stopUnderNewName(one, stopped)
          continue
        }
        // A stop in safe mode does not know which rules keep outputs: the others go on.
        if memory.isStopped, !one.rule.keeps { memory.isStopped = false }
        one.isDisabled = memory.isDisabled
        guard let state = one.state, state.life == .waiting || state.life == .stopped else { continue }
        state.memory = memory
        if memory.isDisabled { state.life = .off }
        if memory.isStopped, memory.lasts, state.life != .off {
          // A stop in safe mode has ended it, and it has not done its `end` yet.
          state.life = .resuming
          step(one, .stopBegan)
        } else if memory.isStopped, state.life != .off {
          state.life = .stopped
        }
        if memory.lasts, state.life == .waiting { beginResuming(one, state) }
        markLater(state.watch, nil)
      }
    }
    return unknown.filter { id in memories[id].map { !retire(id, $0) } ?? true }.sorted()
  }

  /// A rule that the previous daemon did not know, and that keeps what a stop has made safe under another name.
  private func stopUnderNewName(_ one: RuleProgress, _ outputs: Set<DeviceID>) {
    guard let state = one.state, state.life == .waiting, !outputs.isDisjoint(with: one.rule.outputs) else { return }
    state.life = .stopped
    state.memory.isStopped = true
    remember(one, state)
  }

  private func beginResuming(_ one: RuleProgress, _ state: StateProgress) {
    state.life = .resuming
    let devices = state.watch.subjects.compactMap { subject in
      if case .device(let id) = subject { id } else { nil }
    }
    let patience = max(environment.longestSilence(of: devices), Self.shortestPatience)
    state.timer = clock.schedule(after: patience) { [weak self, weak one] in
      guard let self, let one, let state = one.state else { return }
      state.timer = nil
      inTurn { self.step(one, .stayedUnknown) }
    }
  }

  // MARK: People

  /// Disables or enables a rule, durably.
  /// - Returns: false if there is no such rule.
  package func setEnabled(_ rule: RuleID, _ isEnabled: Bool) -> Bool {
    guard let one = progress.first(where: { $0.rule.id == rule }) else { return false }
    guard one.isDisabled == isEnabled else { return true }
    one.isDisabled = !isEnabled
    guard let state = one.state else {
      if !isEnabled { drop(one) }
      var memory = RuleMemory()
      memory.isDisabled = !isEnabled
      environment.remember(rule, memory.isEmpty ? nil : memory)
      return true
    }
    inTurn { step(one, isEnabled ? .enabled : .disabled) }
    remember(one, state)
    return true
  }

  /// Lets a rule that an emergency stop has ended begin again, although its trigger was not false since.
  /// - Returns: false if there is no such rule, or it was not ended by a stop.
  package func resume(_ rule: RuleID) -> Bool {
    guard let one = progress.first(where: { $0.rule.id == rule }), one.state?.life == .stopped, !environment.isStopped
    else { return false }
    inTurn { step(one, .stopCleared) }
    return true
  }

  // MARK: Emergency stops

  func stopStates() {
    inTurn {
      for one in progress where one.rule.keeps {
        guard let state = one.state, state.life != .off, state.life != .stopped else { continue }
        state.wasFalse = false
        step(one, .stopBegan)
        markLater(state.watch, nil)
      }
    }
  }

  func resumeStates() {
    inTurn {
      for one in progress {
        guard let state = one.state, state.life == .stopped else { continue }
        if state.wasFalse { step(one, .stopCleared) }
        markLater(state.watch, nil)
      }
    }
  }
}

extension CompiledRule {
  /// Whether it is a state rule with `keep`.
  var keeps: Bool { !(declaration.state?.keep.isEmpty ?? true) }

  /// The outputs that it keeps, in their order.
  var outputs: [DeviceID] { declaration.state?.keep.map(\.device) ?? [] }
}
