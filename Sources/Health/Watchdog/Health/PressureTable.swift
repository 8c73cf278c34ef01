import Model

/// What is done when the board is short of memory or CPU: (state, reading) → (state, effects). No clock, no I/O.
///
/// Short of memory, agents stop one after the other, the least important first, until it is enough; they come back,
/// the most important first, when it has been quiet for a while. Short of CPU, agents of the priority `background`
/// are activated less often. Nothing is done about the disk but to say so. The same is done when the daemon with its
/// agents uses more memory or CPU than the board's budget has.
public struct PressureTable: Sendable {
  /// Shares of the last ten seconds, in percent, and times.
  public struct Limits: Sendable {
    /// From here on there is pressure.
    public var enter: [Pressure.Resource: Double] = [.cpu: 60, .memory: 10, .io: 40]
    /// Below this there is none any more, when it stays there for `quiet`.
    public var leave: [Pressure.Resource: Double] = [.cpu: 40, .memory: 4, .io: 20]
    /// How long it must stay below `leave`.
    public var quiet = Duration.seconds(20)
    /// How long an agent's end is given to show before the next one is stopped.
    public var shedPause = Duration.seconds(5)
    /// How long a return is given to show before the next one returns.
    public var returnPause = Duration.seconds(10)
    /// How often it is looked while memory is short, or somebody is stopped.
    public var look = Duration.seconds(2)
    /// How often it is looked while nothing but CPU or disk is short: that may last for hours.
    public var slowLook = Duration.seconds(10)
    /// Below this share of its budget the daemon is well within it again.
    public var calm = 0.8
    /// What a trigger needs to be believed, as a part of `enter`. A window of two seconds at `enter` shows as 18% of it
    /// in the average of ten; a trigger that is new may fire for what was before it.
    public var belief = 0.15

    /// The defaults.
    public init() {}
  }

  /// What comes in.
  public enum Input: Sendable, Hashable {
    /// The kernel's trigger, with the share of the last ten seconds.
    case fired(Pressure.Resource, Double)
    /// The share of the last ten seconds in which some task waited, in percent.
    case reading(Pressure.Resource, Double)
    /// The daemon with its agents uses this share of the board's budget; 1 is all of it.
    case budget(Pressure.Resource, Double)
  }

  /// What is to be done, in this order.
  public enum Effect: Sendable, Hashable {
    /// Say that a resource is, or is not any more, short.
    case tell(Pressure.Resource, isShort: Bool, average: Double)
    /// Stop the agent, and do not start it before `restore`.
    case shed(AgentID)
    /// It may run again.
    case restore(AgentID)
    /// Hold back what waits for agents of the priority `background`, or do not any more.
    case throttle(Bool)
    /// Let one waiting delivery through to each of those that are held back.
    case letOneThrough
  }

  /// An agent that runs.
  public struct Candidate: Sendable, Hashable {
    /// Which agent.
    public var agent: AgentID
    /// How important it is.
    public var priority: Priority

    /// Puts it together.
    public init(_ agent: AgentID, _ priority: Priority) {
      self.agent = agent
      self.priority = priority
    }
  }

  private struct Level {
    var isShort = false
    /// A trigger has fired that the average does not show yet: the kernel renews that every two seconds.
    var isSuspected = false
    var quietSince: Instant?
    var average = 0.0
  }

  private let limits: Limits
  private var levels: [Pressure.Resource: Level] = [:]
  /// Of what more was used than the board's budget has, and since then never much less.
  private var over: Set<Pressure.Resource> = []
  /// Those that were stopped, the last one last.
  private var stopped: [Candidate] = []
  private var lastShed: Instant?
  private var lastReturn: Instant?

  /// No pressure.
  public init(limits: Limits = Limits()) { self.limits = limits }

  /// Whether a resource is short.
  public func isShort(_ resource: Pressure.Resource) -> Bool { levels[resource]?.isShort ?? false }

  /// Whether more is used than the board's budget has, or was until a moment ago.
  public func isOverBudget(_ resource: Pressure.Resource) -> Bool { over.contains(resource) }

  /// The agents that are stopped.
  public var shed: [AgentID] { stopped.map(\.agent) }

  /// How soon to take the next readings; nil while there is nothing to look for.
  public var nextLook: Duration? {
    if isShort(.memory) || levels.values.contains(where: \.isSuspected) { return limits.look }
    // What is measured for a budget is no newer than that.
    if !over.isEmpty { return limits.slowLook }
    if !stopped.isEmpty { return limits.look }
    return levels.values.contains(where: \.isShort) ? limits.slowLook : nil
  }

  /// Takes one reading or trigger.
  /// - Parameter running: the agents that run now; asked for only when one is to stop.
  public mutating func apply(_ input: Input, at now: Instant, running: () -> [Candidate]) -> [Effect] {
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
    // For the board's budget it may be so already.
    return resource == .cpu && !over.contains(.cpu) ? [told, .throttle(true)] : [told]
  }

  private func keepUp(_ resource: Pressure.Resource) -> [Effect] { resource == .cpu ? [.letOneThrough] : [] }

  /// Stops the least important one that runs; those of the two highest priorities never.
  private mutating func shedOne(at now: Instant, _ running: () -> [Candidate]) -> [Effect] {
    if let lastShed, now - lastShed < limits.shedPause { return [] }
    let known = Set(stopped.map(\.agent))
    let candidates = running().filter { $0.priority > .critical && !known.contains($0.agent) }
    guard let least = candidates.max(by: { ($0.priority, $0.agent) < ($1.priority, $1.agent) }) else { return [] }
    stopped.append(least)
    lastShed = now
    return [.shed(least.agent)]
  }

  /// Lets the most important one return; of equals the one that was stopped last.
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
