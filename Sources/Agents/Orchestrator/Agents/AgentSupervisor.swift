import Agent
import HAL
import Model
import Watchdog

/// Keeps the registered agents, hands events to them, and does everything that concerns all of them. `ManagedAgent`
/// does what concerns one.
package final class AgentSupervisor {
  let shared: AgentSurroundings
  let drivers: [Manifest.Driver: any AgentDriver]
  let limits: BoardLimits
  var agents: [AgentID: ManagedAgent] = [:]
  var isShutDown = false
  /// Whether agents of the configuration and the registry are left out for now, as in safe mode.
  package var isPartial = false
  /// The agents that were removed since the start. The contents of the registry that were read before may have them.
  private(set) var removed: Set<AgentID> = []
  /// The agents that may not run until they are enabled.
  var disabled: Set<AgentID> = []
  /// Agents that report after each activation, because rules ask for their reports.
  var reporters: Set<AgentID> = []
  /// Declared agents that cannot run, with the reason. They are never started, and rules that name them wait.
  package private(set) var unusable: [AgentID: String] = [:]
  /// Those of them that the configuration names.
  private var unusableDeclared: Set<AgentID> = []
  private(set) var subscribers = SubscriberIndex()
  var families = AgentFamilies()
  private var followers: [(id: FollowID, agent: AgentID?, onLine: (LogLine) -> Void)] = []
  private var lastFollow: UInt64 = 0

  /// Makes a supervisor without agents.
  /// - Parameters:
  ///   - drivers: the available isolations.
  ///   - registry: stores registrations and durable values.
  ///   - logLines: how many log lines are kept for each agent.
  ///   - model: answers agents' questions to models; nil when there is none.
  ///   - limits: what all agents together may use.
  ///   - random: spreads the times of restarts.
  package init(
    clock: any Timekeeper, events: any EventSink, hardware: Hardware, files: any FileReading,
    registry: any AgentRegistry, drivers: [any AgentDriver], logLines: Int,
    model: (any ModelGateway)? = nil, limits: BoardLimits = BoardLimits(),
    random: any RandomNumberGenerator = SystemRandomNumberGenerator()
  ) {
    self.limits = limits
    self.drivers = Dictionary(uniqueKeysWithValues: drivers.map { ($0.kind, $0) })
    shared = AgentSurroundings(
      clock: clock, events: events, hardware: hardware, files: files, model: model, registry: registry,
      logLines: logLines, random: random)
    shared.onLine = { [unowned self] line in
      for follower in followers where follower.agent == nil || follower.agent == line.agent { follower.onLine(line) }
    }
    shared.onStartBegun = { [unowned self] in
      if $0.manifest.parent != nil { families.noteStart(of: $0.id) }
    }
    shared.onStart = { [unowned self] in repeatMissedLevels(to: [$0]) }
    shared.onNews = { [unowned self] agent, news, cause in heed(news, of: agent, cause) }
    shared.obstacleOfChild = { [unowned self] in obstacle(of: $0) }
    budgets.setBoard(limits.budget, disk: limits.disk)
    model?.setLimits(limits.budget.tokens, of: nil)
    budgets.onStep = { [unowned self] in tell($0) }
  }

  var clock: any Timekeeper { shared.clock }
  var events: any EventSink { shared.events }
  var budgets: BudgetBook { shared.budgets }

  /// The agents and rules that move nothing.
  package var shadows: Shadows { shared.shadows }

  /// Remembers quarantines; nil when they end with the supervisor. Set it before agents are adopted.
  package var quarantines: (any QuarantineStore)? {
    get { shared.quarantines }
    set { shared.quarantines = newValue }
  }

  /// Knows what led to what, for agents that ask why; not retained.
  package var history: (any EventHistory)? {
    get { shared.history }
    set { shared.history = newValue }
  }

  /// While it is true, as during an emergency stop, no activation begins. Events that waited are dropped, because
  /// acting on them later would be wrong. A running activation ends by itself.
  package var isPaused: Bool {
    get { shared.isPaused }
    set {
      let wasPaused = shared.isPaused
      shared.isPaused = newValue
      if newValue {
        for agent in agents.values { agent.missQueue() }
      } else if wasPaused {
        // An agent that does not run is told when it starts.
        repeatMissedLevels(to: agents.values.filter(\.lifecycle.accepts))
        for agent in sorted { agent.calls.deliverAnswers() }
      }
    }
  }

  // MARK: Registration

  /// Adds an agent or replaces its manifest, without writing to the registry. A quarantine remains.
  /// - Parameter state: its durable values.
  /// - Throws: it runs, there is no driver for it, or the driver refuses it.
  package func adopt(_ manifest: Manifest, state: Fields) throws(AgentControlError) {
    try check(manifest)
    let driver = try driver(for: manifest)
    let former = agents[manifest.id]
    let logs = former?.logs
    // The next version waits for the same, and is held back for the same.
    let awaited = families.awaited[manifest.id]
    forget(manifest.id)
    var manifest = manifest
    // Drivers enforce parts of the budget themselves, so they get the lowered one.
    let (budget, lowered) = limits.cap(manifest.budget)
    manifest.budget = budget
    let id = manifest.id
    let agent = ManagedAgent(manifest, driver: driver, state: state, logs: logs, shared)
    agent.isReporter = reporters.contains(id)
    agent.isDisabled = disabled.contains(id)
    agent.shedReason = former?.shedReason
    agents[id] = agent
    unusable[id] = nil
    unusableDeclared.remove(id)
    agent.openAccount(lowered, activationReport: limits.activationReport)
    subscribers.add(id, manifest.subscribe)
    joinFamily(agent)
    if let awaited, manifest.parent == former?.manifest.parent { families.wait(id, for: awaited) }
    if let failure = quarantines?.quarantine(of: id) { agent.feed(.quarantine(failure), cause: nil) }
    // Not at the start of the daemon: then the levels are still to be announced.
    if agent.lifecycle.accepts, !agent.isDisabled { repeatLevels(to: id) }
    // An earlier version may have failed, or may not have run. Children of one that was killed start with it.
    if former?.lifecycle.lastExit.map(Self.takesChildren) ?? false {
      startSiblings(of: agent, nil)
    } else {
      startWaiting(for: id)
    }
  }

  /// Whether there is such an agent.
  package func isRegistered(_ id: AgentID) -> Bool { agents[id] != nil }

  /// Whether there is an agent with exactly this manifest.
  package func isRegistered(_ manifest: Manifest) -> Bool {
    agents[manifest.id]?.documentHash == manifest.document.hashValue
  }

  /// Notes that an agent cannot run. Does nothing for a registered one.
  /// - Parameters:
  ///   - why: shown to anybody who wants it to run.
  ///   - isDeclared: whether the configuration names it; otherwise it was registered at run time.
  package func leaveOut(_ id: AgentID, _ why: String, isDeclared: Bool) {
    guard agents[id] == nil else { return }
    unusable[id] = why
    if isDeclared { unusableDeclared.insert(id) }
  }

  /// Forgets the agents that cannot run and that the configuration names no more. Those that wait for them start.
  /// - Parameter declared: all that it names.
  package func forgetUndeclared(except declared: Set<AgentID>) {
    for id in unusableDeclared.subtracting(declared) {
      unusableDeclared.remove(id)
      if unusable.removeValue(forKey: id) != nil { startWaiting(for: id) }
    }
  }

  /// Why an agent that a rule names cannot be woken, to follow "it waits for agent"; nil when it is registered and
  /// enabled.
  func absence(of id: AgentID) -> String? {
    if let agent = agents[id] {
      if agent.isDisabled { return "'\(id)', which is disabled" }
      guard let excess = families.excess[id], let parent = agent.manifest.parent else { return nil }
      return "'\(id)', which \(PermissionLattice.sentence(excess, parent: parent))"
    }
    if let why = unusable[id] { return "'\(id)', which cannot run: \(why)" }
    return "'\(id)': no agent is called that" + Suggestion.phrase(for: id.rawValue, in: agents.keys.map(\.rawValue))
  }

  /// Throws what `adopt` would throw.
  func check(_ manifest: Manifest) throws(AgentControlError) {
    if let agent = agents[manifest.id], agent.isLive { throw .alreadyRunning(manifest.id) }
    try validate(manifest)
  }

  /// Throws when no driver can run the manifest.
  func validate(_ manifest: Manifest) throws(AgentControlError) {
    if isShutDown { throw .cannotRun(manifest.id, "the daemon is ending") }
    let driver = try driver(for: manifest)
    do { try driver.validate(manifest) } catch { throw .cannotRun(manifest.id, error.message) }
  }

  private func driver(for manifest: Manifest) throws(AgentControlError) -> any AgentDriver {
    if let driver = drivers[manifest.runtime.driver] { return driver }
    throw .cannotRun(manifest.id, manifest.runtime.driver.isMissing)
  }

  /// Starts the agents of lifecycle `always`.
  /// - Parameter only: the agents to start; nil for all.
  package func startResident(_ only: [AgentID]? = nil) {
    for agent in only.map({ $0.compactMap { agents[$0] } }) ?? sorted
    where agent.manifest.runtime.lifecycle == .always && !agent.isDisabled && !waitsForBlocker(agent) {
      if agent.obstacle == nil { agent.feed(.spawn, cause: nil) }
    }
  }

  /// Notes that an agent was removed from the registry.
  func noteRemoval(of id: AgentID) { removed.insert(id) }

  /// Removes an agent for good.
  func remove(_ id: AgentID) {
    forget(id)
    endFamily(of: id)
    budgets.close(id)
    shared.model?.setLimits(TokenLimits(), of: id)
    quarantines?.release(id)
  }

  private func forget(_ id: AgentID) {
    guard let agent = agents.removeValue(forKey: id) else { return }
    agent.forget()
    subscribers.remove(id)
    leaveFamily(agent)
  }

  var sorted: [ManagedAgent] { agents.values.sorted { $0.id < $1.id } }

  func agent(_ id: AgentID) throws(AgentControlError) -> ManagedAgent {
    guard let agent = agents[id] else {
      if let why = unusable[id] { throw .cannotRun(id, why) }
      let known = agents.keys.map(\.rawValue)
      throw .notFound(id, suggestion: Suggestion.closest(to: id.rawValue, in: known))
    }
    return agent
  }

  func persist(_ changes: [RegistryChange]) throws(AgentControlError) {
    do { try shared.registry.keep(changes) } catch { throw .storage(error.message) }
  }

  // MARK: Events

  /// Hands an event to the agents that subscribe to it.
  /// - Parameter only: the agents that may get it; nil for all.
  package func handle(_ event: Event, only: Set<AgentID>? = nil) {
    // Each is delivered to the agent that has set the timer, and to no other.
    if AgentEvents.isPrivate(event.type) { return }
    for id in subscribers.subscribers(to: event.type) where only?.contains(id) ?? true {
      // An agent that cannot take it counts that, and reports it in its own events.
      try? deliver(event, to: id, cause: Cause(event), count: 1, firing: nil, nil)
    }
    // Who has asked a person hears the answer, whatever its manifest names.
    guard let asker = ApprovalEvents.asker(of: event), only?.contains(asker) ?? true,
      !subscribers.subscribers(to: event.type).contains(asker), agents[asker]?.isLive ?? false
    else { return }
    try? deliver(event, to: asker, cause: Cause(event), count: 1, firing: nil, nil)
  }

  /// Hands an event to one agent and starts it if necessary.
  /// - Parameters:
  ///   - cause: what led to it.
  ///   - count: how many events were folded into it.
  ///   - firing: the rule's firing that waits for it.
  ///   - done: called once when the event was handled or dropped, unless this call throws; nil when nobody waits.
  func deliver(
    _ event: Event, to id: AgentID, cause: Cause, count: Int, firing: UInt64?,
    _ done: ((EventOutcome) -> Void)?
  ) throws(AgentControlError) {
    try agent(id).deliver(
      Delivery(
        event: event, cause: cause, count: count, waiting: done.map { [(firing, $0)] } ?? [], isWanted: done == nil))
  }

  /// Ends a rule's earlier firing: its waiting deliveries are dropped, a running activation continues.
  func endFiring(_ firing: UInt64) {
    for agent in agents.values { agent.drop(agent.queue.remove(firing: firing)) }
  }

  // MARK: Logs and state

  /// Adds a line to an agent's log.
  func log(_ id: AgentID, _ level: LogLevel, _ message: String) { agents[id]?.log(level, message) }

  /// Calls `onLine` for each new line of an agent's log, or of all logs, until `endFollow`.
  package func follow(_ agent: AgentID?, _ onLine: @escaping (LogLine) -> Void) -> FollowID {
    lastFollow += 1
    followers.append((FollowID(lastFollow), agent, onLine))
    return FollowID(lastFollow)
  }

  /// Stops following a log.
  package func endFollow(_ follow: FollowID) { followers.removeAll { $0.id == follow } }

  /// Gives agents durable values that could not be read before the agents were adopted.
  package func restore(_ states: [AgentID: Fields]) {
    for (id, fields) in states { agents[id]?.restore(fields) }
  }

  /// An agent's durable values; empty when it has none.
  package func durableState(_ id: AgentID) -> Fields { agents[id]?.state.values ?? [:] }
}
