import Agent
import HAL
import Model
import Rules

/// Hands events and changes to the pure rule engine, and is its environment: answers its questions, carries out actions.
package final class RuleRunner: RuleEnvironment, RuleControl {
  let clock: any Timekeeper
  let events: any EventSink
  let hardware: Hardware
  let agents: AgentSupervisor
  private(set) var engine: RuleEngine?
  /// The claims of state rules on outputs.
  let claims: OutputClaims
  /// The claims of those state rules that are shadows, on outputs as these imagine them.
  let shadowClaims: OutputClaims
  /// The rules that are shadows.
  var shadowRules: Set<RuleID> = []
  /// What rules have told people.
  private(set) lazy var messageLog = Messages { [unowned self] changes in
    // The registry reports a disk that cannot be written, once for all changes.
    try? registry?.keep(changes)
  }
  /// The retained events, to find the causes of changes; nil without them.
  package weak var history: (any EventHistory)?
  /// When it was made, for the age of readings that never came.
  let start: Instant
  /// The event that is being handled.
  var newestChange: Event?
  /// What events that are not handed on tell of.
  var missedChanges = MissedChanges()
  /// Firings under way.
  var atWork: [UInt64: Running] = [:]
  /// For each sensor that state rules name: looks again when its newest good reading becomes stale.
  var silences: [DeviceID: TimerID] = [:]
  /// The variables of the rules.
  package internal(set) var variables: Fields = [:]
  /// Their first values.
  private(set) var declared: Fields = [:]
  /// The values that the previous daemon stored.
  private(set) var keptVariables: [String: Value] = [:]
  private var keptMemories: [RuleID: RuleMemory] = [:]
  /// In safe mode, what is stored about rules, and what an emergency stop has changed of it.
  private var storedMemories: [RuleID: RuleMemory] = [:]
  private var stoppedMemories: [RuleID: RuleMemory] = [:]
  private var wasStoppedInSafeMode = false
  private var keptSuspensions: [DeviceID: Value] = [:]
  package private(set) var safeMode: String?
  /// How many emergency stops have been cleared. A condition that waited for a sensor or an agent before is dropped.
  private var clears: UInt64 = 0
  private var emissions: [RuleID: EmissionLimit] = [:]
  private let load: () throws(Diagnostics) -> RuleSet
  let offset: (Int64) -> Int
  private var sensors: [DeviceID: SubscriptionID] = [:]
  /// Sensors in expressions that had no reading when they were last asked for.
  private var unread: [DeviceID] = []
  /// How many events wait for first readings, and how many may wait. Further ones are evaluated at once.
  private var held = 0
  private static let mostHeld = 64
  /// How many rules are reported one by one when they wait for agents.
  private static let mostReported = 100
  /// Folds reports of failed actions.
  var reported: [RuleID: Fold] = [:]
  /// The clock for `cron` rules and `now`.
  package let boardClock: BoardClock
  /// Stores cooldowns; nil when they do not survive a restart. Set it before the first rules.
  package var registry: (any AgentRegistry)?
  /// Cooldowns of the previous daemon, until there are rules.
  private var kept: [RuleID: RuleCooldown] = [:]
  private var lastOffset: Int

  /// Makes a runner without rules.
  /// - Parameters:
  ///   - boardClock: nil for one that is always trusted.
  ///   - utcOffset: how far local time is ahead of UTC at a time, both in seconds; for `cron`.
  ///   - load: reads and compiles the rule files; called by `reloadRules`.
  package init(
    clock: any Timekeeper, events: any EventSink, hardware: Hardware, agents: AgentSupervisor,
    boardClock: BoardClock? = nil, utcOffset: @escaping (Int64) -> Int,
    load: @escaping () throws(Diagnostics) -> RuleSet
  ) {
    self.clock = clock
    self.events = events
    self.hardware = hardware
    self.agents = agents
    self.load = load
    offset = utcOffset
    self.boardClock = boardClock ?? BoardClock(.any, clock: clock, events: events)
    lastOffset = utcOffset(Int64(clamping: clock.wallMilliseconds / 1000))
    start = clock.now
    claims = OutputClaims(clock: clock, hardware: hardware)
    shadowClaims = OutputClaims(clock: clock, hardware: agents.shadows.rules)
    engine = RuleEngine(clock: clock, environment: self)
    claims.onSuspension = { [unowned self] device, suspension in
      try? registry?.keep([.suspension(device, suspension)])
    }
    claims.onChange = { [unowned self] rule, isHeld in engine?.claimChanged(of: rule, isHeld: isHeld) }
    hardware.onValue = { [weak self] in self?.valueChanged($0) }
    hardware.onCommand = { [weak self] in self?.commanded($0, isSafe: $1, by: $2) }
    hardware.heir = { [weak self] in self?.claims.heir(of: $0) }
    agents.shared.onReport = { [weak self] in self?.engine?.changed(.agent($0)) }
    connectShadows()
    self.boardClock.onChange = { [unowned self] in engine?.clockChanged() }
  }

  deinit {
    for timer in silences.values { clock.cancel(timer) }
    for running in atWork.values { if let retry = running.retry { clock.cancel(retry.timer) } }
  }

  /// Evaluates the rules on an event: at once, or after the activation that emitted it if a rule asks for the report of
  /// the emitting agent.
  /// - Parameter only: the rules to evaluate; nil for all.
  package func handle(_ event: Event, only: Set<RuleID>? = nil) {
    if only == nil { note(event) }
    guard let agent = Self.agent(event.source), let engine, engine.asksState(of: agent, on: event) else {
      return look(at: event, only: only)
    }
    agents.whenReported(agent) { [weak self, clears] in
      if let self, self.clears == clears { look(at: event, only: only) }
    }
  }

  /// Drops what rules wait for, at the start of an emergency stop.
  func stopBegan() {
    engine?.stopBegan()
    endStored()
  }

  /// Ends rules that are not there, because the daemon is in safe mode.
  private func endStored() {
    wasStoppedInSafeMode = safeMode != nil
    // They have not done `end` yet: `lasts` stays until they are there.
    for (rule, var memory) in storedMemories where memory.lasts {
      memory.isStopped = true
      stoppedMemories[rule] = memory
      remember(rule, memory)
    }
  }

  /// Resumes after an emergency stop. Events from before its end are dropped.
  func stopCleared() {
    clears += 1
    engine?.stopCleared()
  }

  /// Whether there is such a rule.
  package func isInForce(_ rule: RuleID) -> Bool { engine?.ruleIDs.contains(rule) ?? false }

  /// Whether it is a state rule, which knows itself what it keeps.
  func isStateRule(_ rule: RuleID) -> Bool { engine?.stateRules.contains(rule) ?? false }

  /// Rules that ask for a sensor without a reading are evaluated when it has one or has failed, after 10 s at most.
  /// Other rules do not wait.
  private func look(at event: Event, only: Set<RuleID>?) {
    guard let engine else { return }
    if !unread.isEmpty { unread.removeAll { !isUnread($0) } }
    var early = unread.isEmpty || held == Self.mostHeld ? [] : engine.rules(on: event, asking: unread)
    if let only { early.formIntersection(only) }
    engine.handle(event, only: only, not: early)
    guard !early.isEmpty else { return }
    held += 1
    var waiting = unread.count
    for sensor in unread {
      hardware.getSensorData(sensor, as: Principal(name: "rules", permissions: .all)) {
        [weak self, clears, early] _ in
        waiting -= 1
        guard waiting == 0, let self else { return }
        held -= 1
        if self.clears == clears { self.engine?.handle(event, only: early) }
      }
    }
  }

  /// Whether a sensor has no reading yet and no known fault.
  private func isUnread(_ sensor: DeviceID) -> Bool {
    do throws(HALError) {
      _ = try hardware.newestGood(sensor)
      return false
    } catch {
      if case .unavailable = error { return hardware.device(sensor)?.reading == nil }
      return false
    }
  }

  /// The agent of a source `agent/<id>`; nil for other sources.
  private static func agent(_ source: String) -> AgentID? {
    source.hasPrefix("agent/") ? AgentID(String(source.dropFirst("agent/".count))) : nil
  }

  /// Call it when the time zone may have changed.
  package func zoneChanged() {
    let now = offset(Int64(clamping: clock.wallMilliseconds / 1000))
    if now != lastOffset {
      events.publish(SystemEvents.timeZone(utcOffset: now), from: "system")
    }
    lastOffset = now
    engine?.zoneChanged()
  }

  // MARK: RuleControl

  package func listRules() -> [RuleStatus] { engine?.statuses() ?? [] }

  package var count: Int { engine?.count ?? 0 }

  /// Which rules name which agents.
  private var named: [(rule: RuleID, agent: AgentID)] { engine?.rules.agents ?? [] }

  /// The rules that wait, because they name an agent which is missing or cannot run.
  private var waiting: [(rule: RuleID, agent: AgentID, reason: String)] {
    named.compactMap { rule, agent in agents.absence(of: agent).map { (rule, agent, $0) } }
  }

  package func rules(naming agent: AgentID) -> [RuleID] { named.filter { $0.agent == agent }.map(\.rule) }

  package func testRules(_ event: Event) -> [RuleVerdict] { engine?.test(event) ?? [] }

  package private(set) var refusal: String?

  package func reloadRules() throws(Diagnostics) -> Int {
    do throws(Diagnostics) {
      let rules = try load()
      hardware.approvals.voidAll("the rules were read again")
      return enforce(rules)
    } catch {
      refusal = "\(error)"
      throw error
    }
  }

  /// Replaces the rules in force by compiled ones. Leases of rules that are gone or changed end, and new rules are told
  /// the current levels.
  /// - Returns: the number of rules now.
  @discardableResult
  package func enforce(_ rules: RuleSet) -> Int {
    // Before the rules: their first look reads them.
    declared = rules.variables
    variables = Fields(declared.map { ($0.key, variables[$0.key] ?? $0.value) })
    takeShadows(of: rules)
    let (ended, begun) = engine?.replace(with: rules) ?? ([], [])
    refusal = nil
    emissions = emissions.filter { isInForce($0.key) }
    recall()
    reported = [:]
    measureSensors(for: rules)
    for case .device(let id) in engine?.watchedSubjects ?? [] { watchForSilence(of: id) }
    agents.askReports(of: rules.askedAgents.map { AgentID($0) })
    boardClock.isWanted(engine?.hasCalendar ?? false)
    let count = engine?.count ?? 0
    let loaded = events.publish(RuleEvents.loaded(count), from: "system")
    // State rules give back themselves what they keep no longer.
    let states = engine?.stateRules ?? []
    let holders = Set(ended.lazy.filter { !states.contains($0) }.map { "rule/\($0)" })
    hardware.releaseAll(where: { holders.contains($0) }, cause: Cause(loaded))
    events.address(.rules(begun)) {
      hardware.repeatLevels { type in rules.rules(on: type).contains { begun.contains($0) } }
    }
    let waiting = waiting
    for (rule, agent, reason) in waiting.prefix(Self.mostReported) {
      publishWaiting(rule, for: agent, "it waits for agent \(reason)")
    }
    // Thousands of events would crowd out others that are published now.
    if let next = waiting.dropFirst(Self.mostReported).first {
      let others = waiting.count - Self.mostReported - 1
      publishWaiting(
        next.rule, for: next.agent, "it waits for agent \(next.reason), and \(others) other rules wait for agents, too")
    }
    for rule in engine?.waitingForClock ?? [] { publishWaiting(rule, RuleEngine.clockNotTrusted) }
    return count
  }

  private func publishWaiting(_ rule: RuleID, for agent: AgentID? = nil, _ why: String) {
    tell(RuleEvents.waiting(rule, for: agent, message: why), of: rule, cause: nil)
  }

  /// Subscribes to exactly the sensors that rules wait for or name. Those are measured and published whatever the board
  /// file says.
  private func measureSensors(for rules: RuleSet) {
    let previous = sensors
    let (patterns, asked) = (rules.patterns, rules.askedSensors)
    sensors = [:]
    for device in hardware.board.devices {
      guard case .sensor = device.kind,
        asked.contains(device.id.rawValue) || patterns.contains(where: { $0.matches(SensorEvents.name(of: device.id)) })
      else { continue }
      measure(device.id)
    }
    for subscription in previous.values { hardware.unsubscribe(subscription) }
    unread = asked.map { DeviceID($0) }.filter { sensors[$0] != nil && isUnread($0) }
  }

  func measure(_ id: DeviceID) {
    if sensors[id] == nil { sensors[id] = try? hardware.subscribe(id, every: nil, deadband: nil) }
  }

  /// Restores what the previous daemon stored: now, or once there are rules.
  package func recall(_ kept: StoredRegistry.Contents) {
    messageLog.recall(kept.messages)
    (self.kept, keptVariables) = (kept.cooldowns, kept.variables)
    keptMemories = kept.ruleMemories.merging(stoppedMemories) { $1 }
    keptSuspensions = kept.suspensions.filter { device, fields in
      guard OutputClaims.isSuspension(fields, ofSomeNotIn: Set(stoppedMemories.keys)) else {
        // What it kept off has been ended by a stop in safe mode.
        try? registry?.keep([.suspension(device, nil)])
        return false
      }
      return true
    }
    (storedMemories, stoppedMemories) = ([:], [:])
    if engine?.count ?? 0 > 0 { recall() }
  }

  /// No rules run. People read messages all the same, and an emergency stop ends rules that are not there.
  package func enterSafeMode(_ kept: StoredRegistry.Contents) {
    safeMode = "the daemon is in safe mode, and no rules run: 'openstarry daemon leave-safe-mode'"
    messageLog.recall(kept.messages)
    storedMemories = kept.ruleMemories
    // The disk has answered only after that.
    if wasStoppedInSafeMode { endStored() }
  }

  /// Rules are about to be read.
  package func leaveSafeMode() { (safeMode, wasStoppedInSafeMode) = (nil, false) }

  private func recall() {
    recallVariables()
    keptVariables = [:]
    // Before the rules claim anything.
    let known = Set(keptMemories.keys)
    claims.recall(keptSuspensions, of: Set(engine?.ruleIDs ?? []), clockIsTrusted: clockIsTrusted) { device in
      engine?.keepers(of: device).subtracting(known) ?? []
    }
    if !kept.isEmpty { for rule in engine?.recall(kept) ?? [] { cooldownBegan(rule, nil) } }
    if !keptMemories.isEmpty { for rule in engine?.recall(keptMemories) ?? [] { remember(rule, nil) } }
    (kept, keptMemories, keptSuspensions) = ([:], [:], [:])
  }

  /// Counts an event that a rule leads to.
  /// - Returns: nil when it is within the limit; otherwise how long until the next is.
  func takeEmission(of rule: RuleID) -> Duration? { emissions[rule, default: EmissionLimit()].take(at: clock.now) }

  // MARK: RuleEnvironment

  package func cooldownBegan(_ rule: RuleID, _ cooldown: RuleCooldown?) {
    // The registry reports a disk that cannot be written, once for all changes.
    try? registry?.keep([.cooldown(rule, cooldown)])
  }

  package func entriesMissed(_ entries: [MissedEntry]) {
    let first = entries.prefix(50).map { entry in
      let due = UInt64(clamping: entry.due) * 1000
      let local = EventLine.timeOfDay(milliseconds: due, utcOffset: offset(entry.due)).prefix(5)
      return RuleEvents.Entry(rule: entry.rule, due: entry.due, local: String(local))
    }
    events.publish(RuleEvents.missed(first, of: entries.count), from: "system")
  }

  package func timerDue(_ rule: RuleID) {
    guard shadowRules.contains(rule) else {
      events.publish(TimerEvents.due(rule), from: "rule/\(rule)")
      return
    }
    _ = events.address(.rules([rule])) { events.publish(TimerEvents.due(rule), from: "rule/\(rule)") }
  }

  package func conditionFailed(_ rule: RuleID, _ error: String, event: Event) {
    tell(RuleEvents.error(rule, error), of: rule, cause: Cause(event))
  }
}
