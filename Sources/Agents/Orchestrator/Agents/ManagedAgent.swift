import Agent
import HAL
import Model
import Watchdog

/// One registered agent: its manifest, its place in its lifecycle, the events that wait for it, and its present run.
final class ManagedAgent {
  let manifest: Manifest
  let calls: AgentCalls
  let state: AgentState
  let driver: any AgentDriver
  let shared: AgentSurroundings
  /// What it uses.
  let account: BudgetAccount
  var lifecycle: Lifecycle
  /// Nil while it rests, waits in back-off, or is quarantined.
  var run: AgentRun?
  var queue = DeliveryQueue()
  var logs: Ring<LogLine>
  /// Of the back-off or the grace time, whichever the lifecycle has scheduled.
  var timer: TimerID?
  /// Sensors that are measured while it is registered, since it waits for what they say.
  private var standing: [SubscriptionID] = []

  // MARK: What has happened to it

  var activations: UInt64 = 0
  var failures: UInt64 = 0
  /// Activations and starts that ended with a refusal, and what people were told of them.
  var refusals = RefusalAccount()
  /// Events that were for it and that it never saw.
  var dropped: UInt64 = 0
  /// Events that say how a device is, and that could not be handed to it, by name.
  var missedLevels: Set<String> = []
  /// What it last told of itself.
  var lastReport: Value = .map([:])
  /// The newest event it was handed.
  var lastEvent: (id: ULID, type: String)?

  // MARK: What others want of it

  /// Whether it tells its report whenever an activation has ended, as a rule asks for it.
  var isReporter = false
  /// Called once, when nothing of the instance is left.
  var onEnd: [() -> Void] = []
  /// It makes room for another version: nothing starts it any more.
  var isLeaving = false
  /// Why it may not run now; nil when it may.
  var shedReason: String?
  /// How many deliveries it may take while it is held back.
  var allowance = 0

  // MARK: Budgets

  /// How long its last activation ran, in nanoseconds.
  var lastRun: Int64 = 0
  /// Memory that its account holds, in bytes.
  var heldMemory: Int64 = 0
  /// Set while it waits for processor time.
  var throttleTimer: TimerID?
  /// What it is to be stopped for, between a budget's last step and the end of the call that led to it.
  var overrun: Resource?
  /// The budget that it was last stopped for, as events carry it.
  var lastOverrun: Fields?

  /// Lifecycle events that arrived while the effects of another one were being executed.
  var pending: [(event: LifecycleEvent, cause: Cause?)] = []
  var isExecuting = false

  /// An agent that rests.
  /// - Parameters:
  ///   - manifest: with the budget that is in force.
  ///   - values: its durable values.
  ///   - logs: of an earlier version of it; nil begins with none.
  init(
    _ manifest: Manifest, driver: any AgentDriver, state values: Fields, logs: Ring<LogLine>?,
    _ shared: AgentSurroundings
  ) {
    self.manifest = manifest
    self.driver = driver
    self.shared = shared
    state = AgentState(values)
    account = shared.budgets.account(manifest.id)
    lifecycle = Lifecycle(manifest.runtime.lifecycle, policy: manifest.policy)
    self.logs = logs ?? Ring(lines: shared.logLines)
    calls = AgentCalls(
      manifest, hardware: shared.hardware, events: shared.events, clock: shared.clock, files: shared.files,
      model: shared.model, cannotWait: driver.isolation.cannotWait, state: state, budgets: shared.budgets,
      account: account, onLog: { _, _ in }, onState: { _, _ in })
    // Weak: the agent keeps its calls.
    calls.onLog = { [weak self] level, message in self?.log(level, message) }
    calls.onState = { [weak self] key, value throws(AgentError) in
      guard let self else { throw AgentError(.notFound, "agent '\(manifest.id)' is gone") }
      try self.keepState(key, value)
    }
    calls.onMemory = { [weak self] bytes in self?.hold(bytes) }
    standing = shared.measure { sensor in
      manifest.subscribe.contains { $0.matches(SensorEvents.name(of: sensor)) }
        // It is gone before a first reading could come.
        || manifest.runtime.lifecycle == .oneShot && manifest.permissions.mayRead(sensor: sensor.rawValue)
    }
  }

  var id: AgentID { manifest.id }

  /// As the source of events.
  var source: String { "agent/\(id)" }

  /// Whether there is, or is about to be, an instance.
  var isLive: Bool {
    switch lifecycle.state {
    case .idle, .quarantined: false
    default: true
    }
  }

  /// The last failure, or what the board last refused it, in words.
  var trouble: String { lifecycle.lastFailure?.message ?? refusals.last ?? "failed too often" }

  /// It is not registered any more; it does not run.
  func forget() {
    for subscription in standing { shared.hardware.unsubscribe(subscription) }
    standing = []
    shared.budgets.give(.storage, state.bytes, from: account)
  }

  func status(at now: Instant) -> AgentStatus {
    AgentStatus(
      id: id, name: manifest.name, driver: manifest.runtime.driver, state: lifecycle.state, pid: run?.instance?.pid,
      started: run?.started, activations: activations, failures: failures, refusals: refusals.count,
      restarts: lifecycle.restarts, queued: queue.count, dropped: dropped, lastExit: lifecycle.lastExit,
      lastError: lifecycle.lastFailure?.message, lastRefusal: refusals.last, parent: account.parent?.agent,
      budgets: account.status(at: now))
  }
}
