import Model

/// What the control plane and rules may do with agents. The orchestrator implements it.
public protocol AgentControl: AnyObject {
  /// Starts a registered agent.
  /// - Parameter cause: what led to it; nil begins a chain.
  /// - Returns: its status after the start was begun.
  /// - Throws: not found, already running, draining, quarantined.
  func spawnAgent(_ id: AgentID, cause: Cause?) throws(AgentControlError) -> AgentStatus

  /// Ends an agent.
  /// - Parameters:
  ///   - now: false drains it within its grace time (SIGTERM), true does not wait (SIGKILL).
  ///   - done: called once when nothing of it is left.
  func killAgent(_ id: AgentID, now: Bool, cause: Cause?, _ done: @escaping () -> Void) throws(AgentControlError)

  /// Ends and starts an agent; also what takes one out of quarantine.
  func restartAgent(_ id: AgentID, cause: Cause?) throws(AgentControlError)

  /// Hands an event to an agent, as `wake` does, starting it where its lifecycle allows.
  func wakeAgent(_ id: AgentID, with event: Event) throws(AgentControlError)

  /// Registers an agent or replaces its manifest; kept across restarts of the daemon. One in quarantine is let out.
  /// - Throws: already running (a manifest is immutable while its instances run), or what the driver finds wrong.
  func register(_ manifest: Manifest) throws(AgentControlError)

  /// Forgets an agent that is not running.
  func unregister(_ id: AgentID) throws(AgentControlError)

  /// All registered agents, by id.
  func listAgents() -> [AgentStatus]

  /// One agent.
  func agentStatus(_ id: AgentID) throws(AgentControlError) -> AgentStatus

  /// An agent's manifest.
  func manifest(_ id: AgentID) throws(AgentControlError) -> Manifest

  /// An agent's newest log lines, oldest first.
  func logs(_ id: AgentID, last: Int) throws(AgentControlError) -> [LogLine]

  /// Calls `onLine` for each new line of an agent's log until `endFollow`; nil follows every agent.
  func followLogs(_ id: AgentID?, _ onLine: @escaping (LogLine) -> Void) throws(AgentControlError) -> FollowID

  /// Ends following.
  func endFollow(_ follow: FollowID)

  /// An agent's own counters and state.
  func snapshot(_ id: AgentID, _ done: @escaping (Value) -> Void) throws(AgentControlError)
}

/// Names something that is followed until it is ended.
public struct FollowID: Hashable, Sendable {
  /// Never used twice within one implementation.
  public let number: UInt64
  /// Implementations make these.
  public init(_ number: UInt64) { self.number = number }
}

/// What people see of an agent.
public struct AgentStatus: Sendable, Hashable {
  /// Which agent.
  public var id: AgentID
  /// Its name for people.
  public var name: String
  /// Its isolation.
  public var driver: Manifest.Driver
  /// Where it is in its lifecycle.
  public var state: LifecycleState
  /// The process that runs it; nil when none does or the daemon does.
  public var pid: Int32?
  /// When the running instance was started; nil when none runs.
  public var started: Instant?
  /// How many activations have ended well, over the daemon's life.
  public var activations: UInt64
  /// How many failed.
  public var failures: UInt64
  /// How many ended with a refusal of the board that the agent passed on.
  public var refusals: UInt64
  /// How often it was restarted by policy.
  public var restarts: UInt64
  /// How many events wait for it.
  public var queued: Int
  /// How many events were for it and were never handed to it: too many waited, it could take none, or it was ended.
  public var dropped: UInt64
  /// Why it last ended; nil when it never did.
  public var lastExit: ExitReason?
  /// The last failure in words.
  public var lastError: String?
  /// The last refusal that it passed on, in words.
  public var lastRefusal: String?
  /// The agent whose budget it shares; nil is nobody's.
  public var parent: AgentID?
  /// What it may use and does: those with a limit, and what it has used besides.
  public var budgets: [BudgetStatus]

  /// A status; what is left out has not happened.
  public init(
    id: AgentID, name: String, driver: Manifest.Driver, state: LifecycleState, pid: Int32? = nil,
    started: Instant? = nil, activations: UInt64 = 0, failures: UInt64 = 0, refusals: UInt64 = 0,
    restarts: UInt64 = 0, queued: Int = 0, dropped: UInt64 = 0, lastExit: ExitReason? = nil, lastError: String? = nil,
    lastRefusal: String? = nil, parent: AgentID? = nil, budgets: [BudgetStatus] = []
  ) {
    self.id = id
    self.name = name
    self.driver = driver
    self.state = state
    self.pid = pid
    self.started = started
    self.activations = activations
    self.failures = failures
    self.refusals = refusals
    self.restarts = restarts
    self.queued = queued
    self.dropped = dropped
    self.lastExit = lastExit
    self.lastError = lastError
    self.lastRefusal = lastRefusal
    self.parent = parent
    self.budgets = budgets
  }
}

/// A line of an agent's log.
public struct LogLine: Sendable, Hashable {
  /// Whose.
  public var agent: AgentID
  /// Milliseconds since 1970.
  public var time: UInt64
  /// How serious.
  public var level: LogLevel
  /// What it says; no line breaks.
  public var message: String
  /// The event that was being handled; nil outside of one.
  public var event: ULID?

  /// A line.
  public init(agent: AgentID, time: UInt64, level: LogLevel, message: String, event: ULID?) {
    self.agent = agent
    self.time = time
    self.level = level
    self.message = message
    self.event = event
  }
}

/// Why the control plane could not do something with an agent.
public enum AgentControlError: Error, Sendable, Hashable, CustomStringConvertible {
  /// No agent of that name is registered.
  case notFound(AgentID, suggestion: String?)
  /// It is running, or about to.
  case alreadyRunning(AgentID)
  /// It is running, and what was asked is for one that does not.
  case stillRunning(AgentID)
  /// It is not running.
  case notRunning(AgentID)
  /// It is ending; wait until it has.
  case draining(AgentID)
  /// It failed too often; `restart` takes it out.
  case quarantined(AgentID, String)
  /// An emergency stop is in force.
  case paused(AgentID)
  /// The driver cannot run it: what is missing.
  case cannotRun(AgentID, String)
  /// A new version failed while it was on trial: what is in its place, in a sentence.
  case turnedBack(AgentID, String)
  /// Too many events wait for it.
  case overloaded(AgentID, queued: Int)
  /// It could not be kept: the registry cannot be written.
  case storage(String)

  /// Why, without which agent.
  public var reason: String {
    if case .cannotRun(_, let why) = self { return why }
    return description
  }

  public var description: String {
    switch self {
    case .notFound(let id, let suggestion):
      "no agent '\(id)' is registered" + (suggestion.map { " (did you mean '\($0)'?)" } ?? "")
    case .alreadyRunning(let id): "agent '\(id)' is running already"
    case .stillRunning(let id): "agent '\(id)' is running: 'openstarry kill \(id) --wait' ends it"
    case .turnedBack(_, let outcome): outcome
    case .notRunning(let id): "agent '\(id)' is not running"
    case .draining(let id): "agent '\(id)' is ending; try again when it has"
    case .quarantined(let id, let why): "agent '\(id)' is quarantined (\(why)); 'openstarry restart \(id)' lets it out"
    case .paused(let id): "agent '\(id)' is paused by the emergency stop; 'openstarry estop --clear' ends that"
    case .cannotRun(let id, let why): "agent '\(id)' cannot run: \(why)"
    case .overloaded(let id, let queued): "agent '\(id)' has \(queued) events waiting; this one was dropped"
    case .storage(let why): "the registry cannot be written: \(why)"
    }
  }
}
