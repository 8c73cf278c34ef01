import Model

/// The reactions to a shortage of memory, CPU or disk: (state, reading) → (state, effects). No clock, no I/O.
///
/// When memory is short, agents are stopped one after the other, the least important first, until it is enough. They
/// return, the most important first, after a quiet time. When CPU is short, agents of priority `background` are
/// activated less often. A slow disk is only reported. The reactions are the same when the daemon with its agents
/// exceeds the board's budget of memory or CPU.
package struct PressureTable: Sendable {
  /// The thresholds and times. Thresholds are shares of the last ten seconds, in percent.
  package struct Limits: Sendable {
    /// Pressure begins here.
    package var enter: [Pressure.Resource: Double] = [.cpu: 60, .memory: 10, .io: 40]
    /// Pressure ends when the share has been below this for `quiet`.
    package var leave: [Pressure.Resource: Double] = [.cpu: 40, .memory: 4, .io: 20]
    /// How long the share must stay below `leave`.
    package var quiet = Duration.seconds(20)
    /// The pause after stopping an agent, so that the effect shows before the next one is stopped.
    package var shedPause = Duration.seconds(5)
    /// The pause after an agent's return, so that the effect shows before the next one returns.
    package var returnPause = Duration.seconds(10)
    /// The interval of readings while memory is short or an agent is stopped.
    package var look = Duration.seconds(2)
    /// The interval of readings while only CPU or disk is short, which can last for hours.
    package var slowLook = Duration.seconds(10)
    /// The fraction of the board's budget below which the daemon is within it again.
    package var calm = 0.8
    /// The fraction of `enter` that the average must have for a trigger to be believed, as a new trigger may fire for
    /// earlier stalls. Two seconds at `enter` show as 18 % of it in the average of ten seconds.
    package var belief = 0.15

    /// The default thresholds and times.
    package init() {}
  }

  /// An input of the table.
  package enum Input: Sendable, Hashable {
    /// The kernel's trigger has fired; the average of the last ten seconds, in percent.
    case fired(Pressure.Resource, Double)
    /// The share of the last ten seconds in which some task waited, in percent.
    case reading(Pressure.Resource, Double)
    /// The fraction of the board's budget that the daemon with its agents uses; 1 is all of it.
    case budget(Pressure.Resource, Double)
  }

  /// An effect; carry effects out in order.
  package enum Effect: Sendable, Hashable {
    /// Report that a resource is short, or no longer.
    case tell(Pressure.Resource, isShort: Bool, average: Double)
    /// Stop the agent, and do not start it before `restore`.
    case shed(AgentID)
    /// Let the agent run again.
    case restore(AgentID)
    /// Start or stop holding back deliveries to agents of priority `background`.
    case throttle(Bool)
    /// Let one delivery through to each agent that is held back.
    case letOneThrough
  }

  /// A running agent.
  package struct Candidate: Sendable, Hashable {
    /// The agent's id.
    package var agent: AgentID
    /// The agent's priority.
    package var priority: Priority

    /// A candidate for being stopped.
    package init(_ agent: AgentID, _ priority: Priority) {
      self.agent = agent
      self.priority = priority
    }
  }

  private struct Level {
    var isShort = false
    /// A trigger has fired, but the average, which the kernel updates every two seconds, does not show it yet.
    var isSuspected = false
    var quietSince: Instant?
    var average = 0.0
  }

  private let limits: Limits
  private var levels: [Pressure.Resource: Level] = [:]
  /// Resources whose use has exceeded the board's budget and has not been below `calm` since.
  private var over: Set<Pressure.Resource> = []
  /// The stopped agents, in the order of stopping.
  private var stopped: [Candidate] = []
  private var lastShed: Instant?
  private var lastReturn: Instant?

  /// A table without pressure.
  package init(limits: Limits = Limits()) { self.limits = limits }

  /// Whether a resource is short.
  package func isShort(_ resource: Pressure.Resource) -> Bool { levels[resource]?.isShort ?? false }

  /// Whether the use exceeds the board's budget, or has not yet fallen below `calm`.
  package func isOverBudget(_ resource: Pressure.Resource) -> Bool { over.contains(resource) }

  /// The stopped agents.
  package var shed: [AgentID] { stopped.map(\.agent) }

  /// The time until the next readings; nil while none are needed.
  package var nextLook: Duration? {
    if isShort(.memory) || levels.values.contains(where: \.isSuspected) { return limits.look }
    // The board's budget is not measured more often.
    if !over.isEmpty { return limits.slowLook }
    if !stopped.isEmpty { return limits.look }
    return levels.values.contains(where: \.isShort) ? limits.slowLook : nil
  }

  /// Processes an input.
  /// - Parameter running: returns the running agents; called only when one must be stopped.
  package mutating func apply(_ input: Input, at now: Instant, running: () -> [Candidate]) -> [Effect] {
    switch input {
    case .fired(let resource, let average):
      let isBelieved = isShort(resource) || average >= belief(resource)
      levels[resource, default: Level()].isSuspected = !isBelieved
      return isBelieved ? short(resource, average, at: now, running) : []
    case .reading(let resource, let average):
      return read(resource, average, at: now, running)
    case .budget(let resource, let share):
      return use(resource, share, at: now, running)
    }
  }

  private mutating func use(
    _ resource: Pressure.Resource, _ share: Double, at now: Instant, _ running: () -> [Candidate]
  ) -> [Effect] {
    let wasOver = over.contains(resource)
    if share > 1 { over.insert(resource) } else if share < limits.calm { over.remove(resource) }
    let isOver = over.contains(resource)
    switch resource {
    case .memory: return share > 1 ? shedOne(at: now, running) : returnOne(at: now)
    case .cpu where isShort(.cpu): return []
    case .cpu where isOver: return wasOver ? [.letOneThrough] : [.throttle(true)]
    case .cpu: return wasOver ? [.throttle(false)] : []
    case .io: return []
    }
  }

  private func belief(_ resource: Pressure.Resource) -> Double { (limits.enter[resource] ?? 100) * limits.belief }

  private mutating func read(
    _ resource: Pressure.Resource, _ average: Double, at now: Instant, _ running: () -> [Candidate]
  ) -> [Effect] {
    var level = levels[resource] ?? Level()
    let enter = level.isSuspected ? belief(resource) : limits.enter[resource] ?? 100
    if average >= enter { return short(resource, average, at: now, running) }
    level.isSuspected = false
    level.average = average
    defer { levels[resource] = level }
    guard level.isShort else { return resource == .memory ? returnOne(at: now) : [] }
    guard average < limits.leave[resource] ?? 0 else {
      level.quietSince = nil
      return keepUp(resource)
    }
    let since = level.quietSince ?? now
    level.quietSince = since
    guard now - since >= limits.quiet else { return keepUp(resource) }
    level = Level(average: average)
    levels[resource] = level
    let told = Effect.tell(resource, isShort: false, average: average)
    switch resource {
    case .cpu: return over.contains(.cpu) ? [told] : [told, .throttle(false)]
    case .memory: return [told] + returnOne(at: now)
    case .io: return [told]
    }
  }

  private mutating func short(
    _ resource: Pressure.Resource, _ average: Double, at now: Instant, _ running: () -> [Candidate]
  ) -> [Effect] {
    let isNew = !isShort(resource)
    levels[resource] = Level(isShort: true, average: average)
    return (isNew ? begin(resource) : keepUp(resource)) + (resource == .memory ? shedOne(at: now, running) : [])
  }

  private func begin(_ resource: Pressure.Resource) -> [Effect] {
    let told = Effect.tell(resource, isShort: true, average: levels[resource]?.average ?? 0)
    // The board's budget may already have throttled them.
    return resource == .cpu && !over.contains(.cpu) ? [told, .throttle(true)] : [told]
  }

  private func keepUp(_ resource: Pressure.Resource) -> [Effect] { resource == .cpu ? [.letOneThrough] : [] }

  /// Stops the least important running agent; never one of the two highest priorities.
  private mutating func shedOne(at now: Instant, _ running: () -> [Candidate]) -> [Effect] {
    if let lastShed, now - lastShed < limits.shedPause { return [] }
    let known = Set(stopped.map(\.agent))
    let candidates = running().filter { $0.priority > .critical && !known.contains($0.agent) }
    guard let least = candidates.max(by: { ($0.priority, $0.agent) < ($1.priority, $1.agent) }) else { return [] }
    stopped.append(least)
    lastShed = now
    return [.shed(least.agent)]
  }

  /// Lets the most important stopped agent return; among equals, the one that was stopped last.
  private mutating func returnOne(at now: Instant) -> [Effect] {
    if isShort(.memory) || over.contains(.memory) { return [] }
    if let lastShed, now - lastShed < limits.quiet { return [] }
    if let lastReturn, now - lastReturn < limits.returnPause { return [] }
    guard let first = stopped.indices.min(by: { (stopped[$0].priority, -$0) < (stopped[$1].priority, -$1) }) else {
      return []
    }
    lastReturn = now
    return [.restore(stopped.remove(at: first).agent)]
  }
}
