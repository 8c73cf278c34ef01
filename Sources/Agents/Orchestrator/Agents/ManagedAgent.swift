import Agent
import HAL
import Model
import Watchdog

/// One registered agent: its manifest, its lifecycle state, its waiting events, and its current run.
final class ManagedAgent: AgentCallsOwner {
  /// Without its document, which can be as large as everything else of a resting agent.
  let manifest: Manifest
  /// A hash of the document, which differs from one run of the daemon to the next.
  var documentHash: Int
  /// A hash of its program's file as it was when the agent was adopted; nil without a file.
  var programHash: Int?
  let calls: AgentCalls
  let state: AgentState
  let driver: any AgentDriver
  let shared: AgentSurroundings
  /// Its usage.
  let account: BudgetAccount
  var lifecycle: Lifecycle
  /// nil while it rests, is in back-off, or is quarantined.
  var run: AgentRun?
  var queue = DeliveryQueue()
  var logs: Ring<LogLine>
  /// The timer of the back-off or of the grace time, as the lifecycle has scheduled it.
  var timer: TimerID?
  /// Sensors that are measured while it is registered, because it subscribes to them.
  private var standing: [SubscriptionID] = []

  // MARK: What has happened to it

  var activations: UInt64 = 0
  var failures: UInt64 = 0
  /// Activations and starts that ended with a refusal, and the reports of them.
  var refusals = RefusalAccount()
  /// Events for it that it never got.
  var dropped: UInt64 = 0
  /// Events with levels that could not be handed to it, by name.
  var missedLevels: Set<String> = []
  /// Its last report.
  var lastReport: Value = .map([:])
  /// The newest event that it was handed.
  var lastEvent: (id: ULID, type: String)?
  /// What somebody has done to end the last instance; nil when nobody has.
  var ending: AgentStatus.Ending?

  // MARK: What others want of it

  /// The timers that it has set; nil when it has set none.
  var timers: AgentTimers?
  /// Whether it reports after each activation, because a rule asks for that.
  var isReporter = false
  /// Called once when nothing of the instance is left.
  var onEnd: [() -> Void] = []
  /// Whether it may not run until it is enabled.
  var isDisabled = false
  /// Whether it is being replaced and may not be started.
  var isLeaving = false
  /// Why it may not run while the board is short of a resource; nil when it may.
  var shedReason: String?
  /// How many deliveries it may take while it is held back.
  var allowance = 0

  // MARK: Budgets

  /// The duration of its last activation in nanoseconds.
  var lastRun: Int64 = 0
  /// The memory in its account, in bytes.
  var heldMemory: Int64 = 0
  /// Set while it is throttled for CPU time.
  var throttleTimer: TimerID?
  /// Why it is to be stopped, from the last step of a budget to the end of the call that led to it.
  var overrun: Resource?
  /// The fields of the budget that it was last stopped for.
  var lastOverrun: Fields?

  /// Lifecycle events that arrived while the effects of another one were executed.
  var pending: [(event: LifecycleEvent, cause: Cause?)] = []
  var isExecuting = false

  /// An agent that rests.
  /// - Parameters:
  ///   - manifest: with the budget in force.
  ///   - values: its durable values.
  ///   - logs: the log of an earlier version; nil for an empty one.
  init(
    _ manifest: Manifest, driver: any AgentDriver, state values: Fields, logs: Ring<LogLine>?,
    _ shared: AgentSurroundings
  ) {
    documentHash = manifest.document.hashValue
    programHash = manifest.programHash
    var manifest = manifest
    manifest.document = [:]
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
      account: account)
    calls.owner = self
    calls.shadow = manifest.shadow ? AgentShadow(manifest, shared.shadows) : nil
    standing = shared.measure { sensor in
      manifest.subscribe.contains { $0.matches(SensorEvents.name(of: sensor)) }
        // It was removed before a first reading.
        || manifest.runtime.lifecycle == .oneShot && manifest.permissions.mayRead(sensor: sensor.rawValue)
    }
  }

  var id: AgentID { manifest.id }

  /// Its name as a source of events.
  var source: String { "agent/\(id)" }

  /// Why it may not run now, although it is enabled; nil when it may.
  var obstacle: String? { shedReason ?? (manifest.parent == nil ? nil : shared.obstacleOfChild(self)) }

  /// Whether it may be started now.
  var mayStart: Bool { !isDisabled && !isLeaving && obstacle == nil }

  /// Whether there is an instance, or is about to be one.
  var isLive: Bool {
    switch lifecycle.state {
    case .idle, .quarantined: false
    default: true
    }
  }

  /// The last failure or refusal in words; nil when there was none.
  var trouble: String { lifecycle.lastFailure?.message ?? refusals.last ?? "failed too often" }

  /// Releases what it holds when it is unregistered; it must not run.
  func forget() {
    for subscription in standing { shared.hardware.unsubscribe(subscription) }
    standing = []
    _ = endTimers()
    calls.shadow?.forget()
    shared.budgets.give(.storage, state.bytes, from: account)
  }

  func status(at now: Instant) -> AgentStatus {
    var status = AgentStatus(
      id: id, name: manifest.name, driver: manifest.runtime.driver, state: lifecycle.state, isEnabled: !isDisabled,
      pid: run?.instance?.pid, started: run?.started, activations: activations, failures: failures,
      refusals: refusals.count,
      restarts: lifecycle.restarts, queued: queue.count, dropped: dropped, lastExit: lifecycle.lastExit,
      lastError: lifecycle.lastFailure?.message, lastRefusal: refusals.last, parent: account.parent?.agent,
      ending: ending,
      budgets: account.status(at: now) + (shared.model?.budgets(of: id) ?? []))
    status.isShadow = manifest.shadow
    return status
  }
}
