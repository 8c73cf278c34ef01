import Model

/// The operations on agents that the control plane and rules use. The orchestrator implements it.
package protocol AgentControl: AnyObject {
  /// Starts a registered agent.
  /// - Parameter cause: the event that led to the start; nil begins a new causal chain.
  /// - Returns: the agent's status once the start is under way; it may still be `starting`.
  /// - Throws: not found, already running, draining, quarantined.
  func spawnAgent(_ id: AgentID, cause: Cause?) throws(AgentControlError) -> AgentStatus

  /// Stops an agent.
  /// - Parameters:
  ///   - now: false drains it within its grace time (SIGTERM), true does not wait (SIGKILL).
  ///   - done: called once, when the instance is gone.
  func killAgent(_ id: AgentID, now: Bool, cause: Cause?, _ done: @escaping () -> Void) throws(AgentControlError)

  /// Stops an agent and starts it again. Releases a quarantined agent.
  func restartAgent(_ id: AgentID, cause: Cause?) throws(AgentControlError)

  /// Throws what `wakeAgent` would throw before an event is queued.
  func checkWake(_ id: AgentID) throws(AgentControlError)

  /// Queues an event for an agent, as `wake` does. Starts the agent where its lifecycle allows it.
  /// - Parameter done: called once, when the agent has handled the event, or it was dropped.
  func wakeAgent(
    _ id: AgentID, with event: Event, _ done: @escaping (EventOutcome) -> Void
  ) throws(AgentControlError)

  /// Gives up an event that was queued with `wakeAgent`, because nobody waits for its end any more. One that waits is
  /// dropped. If it is being handled, the agent's calls of models are hung up, and refused until it has ended. Does nothing
  /// afterwards.
  /// - Parameter why: what the agent is told.
  func abandon(_ event: ULID, of id: AgentID, because why: String)

  /// Registers an agent or replaces its manifest. The registration survives restarts of the daemon. A quarantined agent
  /// is released.
  /// - Throws: already running (a manifest is immutable while its instances run), or why the driver rejects it.
  func register(_ manifest: Manifest) throws(AgentControlError)

  /// Sets what is restarted when a child agent fails, and how often it is restarted itself, until the agent is registered
  /// again or the daemon ends.
  /// - Parameter maxRestarts: the most restarts within the window of the agent's policy; nil to leave it as it is.
  /// - Throws: not found, or it has no parent.
  func supervise(
    _ id: AgentID, _ supervision: Policy.Supervision, maxRestarts: Int?
  ) throws(AgentControlError)

  /// Lets an agent run, or keeps it from running: a disabled one ends within its grace time, nothing starts it, and
  /// rules that name it wait. That survives restarts of the daemon. Does nothing when it is so already.
  func setEnabled(_ id: AgentID, _ isEnabled: Bool, cause: Cause?) throws(AgentControlError)

  /// Removes an agent that is not running.
  func unregister(_ id: AgentID) throws(AgentControlError)

  /// All registered agents, sorted by id.
  func listAgents() -> [AgentStatus]

  /// Declared agents that cannot run, with the reason.
  var unusable: [AgentID: String] { get }

  /// The status of one agent.
  func agentStatus(_ id: AgentID) throws(AgentControlError) -> AgentStatus

  /// An agent's manifest.
  func manifest(_ id: AgentID) throws(AgentControlError) -> Manifest

  /// An agent's newest log lines, oldest first.
  func logs(_ id: AgentID, last: Int) throws(AgentControlError) -> [LogLine]

  /// Calls `onLine` for each new line of an agent's log, or of every agent's for nil, until `endFollow`.
  func followLogs(_ id: AgentID?, _ onLine: @escaping (LogLine) -> Void) throws(AgentControlError) -> FollowID

  /// Stops calling `onLine`. Does nothing for a `follow` that has already ended.
  func endFollow(_ follow: FollowID)

  /// Asks a running agent for its report: its own counters and state. Calls `done` once, now or later.
  func snapshot(_ id: AgentID, _ done: @escaping (Value) -> Void) throws(AgentControlError)
}

/// Identifies a log subscription, from `followLogs` to `endFollow`.
package struct FollowID: Hashable, Sendable {
  /// Unique within one implementation of `AgentControl`.
  package let number: UInt64
  /// For implementations of `AgentControl`.
  package init(_ number: UInt64) { self.number = number }
}

/// The status of an agent, as `ps` shows it.
package struct AgentStatus: Sendable, Hashable {
  /// The agent's id, unique on this board.
  package var id: AgentID
  /// The display name from the manifest.
  package var name: String
  /// The isolation, as `runtime.driver` names it.
  package var driver: Manifest.Driver
  /// The current lifecycle state.
  package var state: LifecycleState
  /// Whether it may run.
  package var isEnabled: Bool
  /// The process that runs the agent; nil when no instance runs or it runs inside the daemon.
  package var pid: Int32?
  /// When the running instance was started; nil when none runs.
  package var started: Instant?
  /// Activations that succeeded since the daemon started.
  package var activations: UInt64
  /// Failures of running instances since the daemon started. Failed starts are not counted.
  package var failures: UInt64
  /// Activations that ended with a refusal by the board that the agent did not handle.
  package var refusals: UInt64
  /// Restarts by policy since the daemon started.
  package var restarts: UInt64
  /// Events waiting in the agent's queue.
  package var queued: Int
  /// Events for this agent that it never received: the queue was full, it accepted none, or it was stopped.
  package var dropped: UInt64
  /// Why the last instance ended; nil when none has.
  package var lastExit: ExitReason?
  /// The message of the last failure; nil when there was none.
  package var lastError: String?
  /// The message of the last unhandled refusal; nil when there was none.
  package var lastRefusal: String?
  /// The agent whose budget it shares; nil when it shares none.
  package var parent: AgentID?
  /// What somebody has done to end the last instance; nil when nobody has.
  package var ending: Ending?
  /// Every budget that has a limit, and every resource without one that the agent has used.
  package var budgets: [BudgetStatus]
  /// Whether it decides and is recorded, and moves nothing.
  package var isShadow = false

  /// What somebody does to end an instance.
  package enum Ending: String, Sendable, Hashable {
    /// It may finish within its grace time. Also when the daemon ends, or its parent does.
    case stopped
    /// At once.
    case killed
    /// It starts again afterwards.
    case restarted
  }

  /// The defaults are those of an agent that has not run.
  package init(
    id: AgentID, name: String, driver: Manifest.Driver, state: LifecycleState, isEnabled: Bool = true,
    pid: Int32? = nil,
    started: Instant? = nil, activations: UInt64 = 0, failures: UInt64 = 0, refusals: UInt64 = 0,
    restarts: UInt64 = 0, queued: Int = 0, dropped: UInt64 = 0, lastExit: ExitReason? = nil, lastError: String? = nil,
    lastRefusal: String? = nil, parent: AgentID? = nil, ending: Ending? = nil, budgets: [BudgetStatus] = []
  ) {
    self.id = id
    self.name = name
    self.driver = driver
    self.state = state
    self.isEnabled = isEnabled
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
    self.ending = ending
    self.budgets = budgets
  }
}

/// A line of an agent's log.
package struct LogLine: Sendable, Hashable {
  /// The agent that logged it.
  package var agent: AgentID
  /// Wall time, in milliseconds since 1970.
  package var time: UInt64
  /// The severity.
  package var level: LogLevel
  /// The text, without line breaks.
  package var message: String
  /// The event that was being handled; nil outside of an activation.
  package var event: ULID?

  /// - Parameter time: in milliseconds since 1970.
  package init(agent: AgentID, time: UInt64, level: LogLevel, message: String, event: ULID?) {
    self.agent = agent
    self.time = time
    self.level = level
    self.message = message
    self.event = event
  }
}

/// Why an operation on an agent failed.
package enum AgentControlError: Error, Sendable, Hashable, CustomStringConvertible {
  /// No agent with this id is registered; `suggestion` is a registered id with a similar spelling.
  case notFound(AgentID, suggestion: String?)
  /// The agent is running or starting.
  case alreadyRunning(AgentID)
  /// The agent is running, and the operation needs it stopped.
  case stillRunning(AgentID)
  /// The agent is not running.
  case notRunning(AgentID)
  /// The agent is being stopped; try again when it has ended.
  case draining(AgentID)
  /// The agent is quarantined, for this reason; `restart` releases it.
  case quarantined(AgentID, String)
  /// The agent is disabled.
  case disabled(AgentID)
  /// An emergency stop is in force.
  case paused(AgentID)
  /// The driver cannot run the agent, for this reason.
  case cannotRun(AgentID, String)
  /// The agent has no parent.
  case noParent(AgentID)
  /// The agent asks for more than its parent has.
  case beyondParent(AgentID, parent: AgentID, [PermissionLattice.Excess])
  /// The agent's parent is being stopped, and starts no children.
  case parentDraining(AgentID, parent: AgentID)
  /// A new version failed its trial run; the sentence says which version replaces it.
  case turnedBack(AgentID, String)
  /// The agent's queue is full.
  case overloaded(AgentID, queued: Int)
  /// The registry cannot be written, for this reason.
  case storage(String)

  /// The message without the agent's id where there is one; otherwise `description`.
  package var reason: String {
    if case .cannotRun(_, let why) = self { return why }
    return description
  }

  package var description: String {
    switch self {
    case .notFound(let id, let suggestion):
      "no agent '\(id)' is registered" + (suggestion.map { " (did you mean '\($0)'?)" } ?? "")
    case .alreadyRunning(let id): "agent '\(id)' is already running"
    case .stillRunning(let id): "agent '\(id)' is running: 'openstarry kill \(id) --wait' ends it"
    case .turnedBack(_, let outcome): outcome
    case .notRunning(let id): "agent '\(id)' is not running"
    case .draining(let id): "agent '\(id)' is stopping; try again when it has stopped"
    case .quarantined(let id, let why): "agent '\(id)' is quarantined (\(why)); 'openstarry restart \(id)' releases it"
    case .disabled(let id): "agent '\(id)' is disabled; 'openstarry agent enable \(id)' lets it run again"
    case .paused(let id): "agent '\(id)' is paused by the emergency stop; 'openstarry estop --clear' ends that"
    case .cannotRun(let id, let why): "agent '\(id)' cannot run: \(why)"
    case .noParent(let id): "agent '\(id)' has no parent, whose other children could restart with it"
    case .beyondParent(let id, let parent, let excess):
      "agent '\(id)' \(PermissionLattice.sentence(excess, parent: parent))"
    case .parentDraining(let id, let parent):
      "agent '\(id)' cannot start: its parent '\(parent)' is stopping; try again when it has stopped"
    case .overloaded(let id, let queued): "agent '\(id)' has \(queued) events waiting; this one was dropped"
    case .storage(let why): "the registry cannot be written: \(why)"
    }
  }
}

extension AgentControl {
  // For those whose events nobody gives up.
  package func abandon(_ event: ULID, of id: AgentID, because why: String) {}

  /// The same for callers that do not wait.
  package func wakeAgent(_ id: AgentID, with event: Event) throws(AgentControlError) {
    try wakeAgent(id, with: event) { _ in }
  }
}
