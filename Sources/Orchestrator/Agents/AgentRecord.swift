import Agent
import HAL
import Model
import Watchdog

/// Everything the supervisor knows about one registered agent.
final class AgentRecord {
  let manifest: Manifest
  let calls: AgentCalls
  let state: AgentState
  var lifecycle: Lifecycle
  var logs: LogRing
  var queue = DeliveryQueue()
  var instance: (any AgentInstance)?
  var current: Delivery?
  /// Grows with every instance, so that an answer of an instance that is gone is known as such.
  var generation: UInt64 = 0
  var started: Instant?
  var activations: UInt64 = 0
  var failures: UInt64 = 0
  /// Events that were for it and that it never saw.
  var dropped: UInt64 = 0
  var lastSnapshot: Value = .map([:])
  /// Sensors that are measured while it runs.
  var subscriptions: [SubscriptionID] = []
  /// Sensors that are measured while it is registered, as it waits for what they say.
  var standing: [SubscriptionID] = []
  var backoffTimer: TimerID?
  var graceTimer: TimerID?
  /// Set while its start waits for the first readings of its sensors.
  var readingTimer: TimerID?
  var onEnd: [() -> Void] = []
  /// Events that arrived while the effects of another one were being executed.
  var pending: [(event: LifecycleEvent, cause: Cause?)] = []
  var isExecuting = false
  /// Why it may not run now; nil when it may.
  var shedReason: String?
  /// How many deliveries it may take while it is held back.
  var allowance = 0
  /// What it uses.
  let account: BudgetAccount
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
  /// The newest event it was handed.
  var lastEvent: (id: ULID, type: String)?

  init(_ manifest: Manifest, calls: AgentCalls, state: AgentState, account: BudgetAccount, logLines: Int) {
    self.account = account
    self.manifest = manifest
    self.calls = calls
    self.state = state
    lifecycle = Lifecycle(manifest.runtime.lifecycle, policy: manifest.policy)
    logs = LogRing(capacity: logLines)
  }

  var id: AgentID { manifest.id }

  /// Whether there is, or is about to be, an instance.
  var isLive: Bool {
    switch lifecycle.state {
    case .idle, .quarantined: false
    default: true
    }
  }

  /// Tells everybody who waits for what is not handed over any more.
  func drop(_ deliveries: [Delivery]) {
    for delivery in deliveries {
      dropped += UInt64(delivery.count)
      delivery.finish()
    }
  }

  /// The last failure in words, for refusals.
  var trouble: String { lifecycle.lastFailure?.message ?? "failed too often" }

  func status(at now: Instant) -> AgentStatus {
    AgentStatus(
      id: id, name: manifest.name, driver: manifest.runtime.driver, state: lifecycle.state, pid: instance?.pid,
      started: instance == nil ? nil : started, activations: activations, failures: failures,
      restarts: lifecycle.restarts, queued: queue.count, dropped: dropped, lastExit: lifecycle.lastExit,
      lastError: lifecycle.lastFailure?.message, parent: account.parent?.agent, budgets: account.status(at: now))
  }
}
